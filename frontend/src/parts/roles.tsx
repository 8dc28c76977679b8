// Grants: a role over everything, over a project with all its sources, or over a source; several of them add up.
import { useAnswer } from '../api/answer.ts';
import type { Calls } from '../api/schema.ts';
import { Icon } from './icons.tsx';
import { spoken } from './grants.ts';

export type Grant = Calls['GET /users']['answer']['rows'][number]['grants'][number];
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export const FIRST: Grant[] = [{ scope: '*', role: 'viewer' }];
const MAY = { viewer: 'sees data, runs, models and endpoints', operator: 'and acts on them', admin: 'and, over everything, changes users and keys' };
const KINDS = [['*', 'everything'], ['project', 'a project'], ['source', 'a source']] as const;

/** What somebody was given, in words. */
export function Granted({ grants }: { grants: Grant[] }) {
  return <>{grants.map((grant, at) => <span key={grant.scope}>{at > 0 && <br />}{grant.role}{grant.scope !== '*' && <span class="muted"> over {spoken(grant.scope)}</span>}</span>)}</>;
}

/** GRANTS to be chosen: a line each. */
export function GrantsField({ grants, set }: { grants: Grant[]; set: (grants: Grant[]) => void }) {
  const scopes = useAnswer('GET /users/scopes').value;
  const put = (at: number, grant: Grant) => set(grants.map((one, i) => (i === at ? grant : one)));
  return (
    <fieldset class="field grants"><legend>Access</legend>
      {grants.map((grant, at) => <Line key={at} number={at + 1} grant={grant} put={(one) => put(at, one)} drop={grants.length > 1 ? () => set(grants.filter((_, i) => i !== at)) : undefined} />)}
      <p><button type="button" onClick={() => set([...grants, { scope: 'project:', role: 'viewer' }])}>Add a grant</button></p>
      <small class="muted">{ROLES.map((role) => `${role} ${MAY[role]}`).join('; ')}. Of several grants over a thing the strongest counts.</small>
      <datalist id="grant-projects">{scopes?.projects.map((name) => <option key={name} value={name} />)}</datalist>
      <datalist id="grant-sources">{scopes?.sources.map((name) => <option key={name} value={name} />)}</datalist>
    </fieldset>
  );
}

function Line({ number, grant, put, drop }: { number: number; grant: Grant; put: (grant: Grant) => void; drop: (() => void) | undefined }) {
  const [kind = '*', name = ''] = grant.scope === '*' ? ['*'] : [grant.scope.split(':')[0], grant.scope.slice(grant.scope.indexOf(':') + 1)];
  return (
    <p class="grant">
      <select aria-label={`Role ${number}`} value={grant.role} onChange={(event) => put({ ...grant, role: event.currentTarget.value as Grant['role'] })}>{ROLES.map((role) => <option key={role}>{role}</option>)}</select>
      <span>over</span>
      <select aria-label={`Over ${number}`} value={kind} onChange={(event) => put({ ...grant, scope: event.currentTarget.value === '*' ? '*' : `${event.currentTarget.value}:` })}>{KINDS.map(([key, word]) => <option key={key} value={key}>{word}</option>)}</select>
      {kind !== '*' && <input aria-label={`${kind === 'project' ? 'Project' : 'Source'} ${number}`} list={`grant-${kind}s`} value={name} required maxLength={240} spellcheck={false} placeholder={kind === 'project' ? 'churn' : 'churn/calls'} onInput={(event) => put({ ...grant, scope: `${kind}:${event.currentTarget.value}` })} />}
      {drop && <button type="button" aria-label={`Remove grant ${number}`} onClick={drop}><Icon name="close" /></button>}
    </p>
  );
}
