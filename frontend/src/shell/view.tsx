// To see the console as a role with fewer rights does: the server then allows no more than that.
import { call, me, type Refusal } from '../api/client.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { listed, overAll } from '../parts/grants.ts';
import { toast } from './toasts.tsx';

type Role = NonNullable<Calls['POST /me/view']['body']['role']>;
export const LESSER: Record<string, Role[]> = { admin: ['operator', 'viewer'], operator: ['viewer'] };

export function viewAs(role: Role | null): Promise<void> {
  return call('POST /me/view', { body: { role } }).then((answer) => void (me.value = answer), (problem: Refusal) => toast(problem.message, 'bad'));
}

/** Above every page, as long as it is not one's own view. */
export function Viewing() {
  const who = useCell(me);
  if (!who || who.role === who.own_role) return null;
  return (
    <p class="viewing" role="status">
      <span>You see the console as {who.role === 'viewer' ? 'a viewer' : 'an operator'} does{overAll(who.grants) ? '' : `: you are ${listed(who.grants)}`}. You are {who.own_role}.</span>
      <button type="button" onClick={() => void viewAs(null)}>See it as yourself again</button>
    </p>
  );
}
