// What an archive holds and what it would change here, before anything does.
import { useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { call } from '../../api/client.ts';
import type { Calls } from '../../api/schema.ts';
import { Checksum } from '../../parts/checksum.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Problem, useForm } from '../../parts/form.tsx';
import { bytes, plural, short } from '../../parts/format.ts';
import { Shown } from '../../parts/states.tsx';
import { Ago } from '../../parts/times.tsx';
import { toast } from '../../shell/toasts.tsx';

type Looked = Calls['GET /archive/look']['answer'];
const WHICH = { served: 'those that aliases point to', all: 'all of them', none: 'none' } as const;

export function Look({ file, close, again }: { file: string; close: () => void; again: () => void }) {
  const seen = useAnswer('GET /archive/look', { query: { file } });
  return (
    <Dialog label={`What ${file} holds`} kind="ask" close={close}>
      <h2>{seen.value ? `Bring ${seen.value.project} in` : 'Looking into it'}</h2>
      <Shown of={seen} what="The archive">{(found) => <Inside file={file} found={found} close={close} again={again} />}</Shown>
      {!seen.value && <p class="row"><button type="button" onClick={close}>Close</button></p>}
    </Dialog>
  );
}

function Inside({ file, found, close, again }: { file: string; found: Looked; close: () => void; again: () => void }) {
  const [measure, choose] = useState<keyof typeof WHICH>('served');
  const form = useForm(async () => {
    await call('POST /archive/import', { body: { file, measure } });
    toast(`${found.project} is on its way in`);
    close();
    again();
  });
  const fresh = found.new;
  const moved = fresh.names.filter((name) => name.before);
  const nothing = !fresh.artifacts && !fresh.runs && !fresh.versions.length && !fresh.names.length;
  return (
    <form onSubmit={form.submit}>
      <p class="muted">Exported <Ago at={found.created} /> by aimass {found.package}, on {found.here ? 'this machine' : 'another machine'}; {bytes(found.bytes)}.</p>
      {found.sha256 && <p class="small muted">SHA-256 <Checksum of={found.sha256} /></p>}
      <table class="plain pairs"><tbody>
        <tr><th scope="row">Holds</th><td>{Object.entries(found.artifacts).map(([kind, count]) => plural(count, kind, kind === 'examples' ? kind : `${kind}s`)).join(', ')}; {plural(found.runs, 'run')}</td></tr>
        <tr><th scope="row">Releases</th><td>{found.versions.join(', ') || 'none'}</td></tr>
        <tr><th scope="row">Tables of rows</th><td>{found.tables.join(', ') || 'none'}</td></tr>
        <tr><th scope="row">New here</th><td>{nothing ? 'nothing: all of it is here already' : `${plural(fresh.artifacts, 'artifact')}, ${plural(fresh.runs, 'run')}, ${fresh.versions.length ? fresh.versions.join(', ') : 'no release'}`}</td></tr>
        {moved.map((name) => <tr key={name.name}><th scope="row">Moves</th><td>{name.name}: <code>{short(name.before!)}</code> → <code>{short(name.after)}</code></td></tr>)}
      </tbody></table>
      {fresh.against.length > 0 ? (
        <div class="problem" role="alert"><span class="shape" aria-hidden="true">✕</span>
          <p>It cannot come into this workspace:<br />{fresh.against.slice(0, 5).map((why) => <span key={why}>{why}<br /></span>)}<span class="muted">Bring it into another workspace.</span></p></div>
      ) : (
        <div class="field"><label for="field-measure">Measure on this machine</label>
          <select id="field-measure" value={measure} onChange={(event) => choose(event.currentTarget.value as keyof typeof WHICH)}>
            {Object.entries(WHICH).map(([which, words]) => <option key={which} value={which}>{words}</option>)}</select>
          <small class="muted">Of its releases: each takes about as long as when it was released. Then every budget is said to hold here or not.</small></div>
      )}
      <Problem refusal={form.refusal} />
      <p class="row">
        {!fresh.against.length && <button type="submit" class="primary" disabled={form.busy}>Bring {found.project} in</button>}
        <button type="button" onClick={close}>{fresh.against.length ? 'Close' : 'Cancel'}</button>
      </p>
    </form>
  );
}
