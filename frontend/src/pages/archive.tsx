// A project as one file: written here, or looked into and brought in, with the budgets that hold on this machine.
import { useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { base, call } from '../api/client.ts';
import type { Calls } from '../api/schema.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useEvery } from '../parts/every.ts';
import { Problem, useForm } from '../parts/form.tsx';
import { bytes, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago, Span } from '../parts/times.tsx';
import { toast } from '../shell/toasts.tsx';
import { Bring } from './archive/bring.tsx';
import { Budgets } from './archive/budgets.tsx';
import { Look } from './archive/look.tsx';
import { measured, resultOf, type Job } from './archive/outcome.ts';

type Known = Calls['GET /archive']['answer'];
type File = Known['files'][number];
const EVERY = 2000; // milliseconds between looks while the tab is seen

export default function ArchivePage() {
  const known = useAnswer('GET /archive');
  const [file, look] = useQuery('file');
  useEvery(EVERY, known.again);
  const { projects = [], files = [], jobs = [] } = known.value ?? {};
  return (
    <div class="page archive">
      <header class="head"><h1>Import / export</h1><p class="muted">{known.value ? `${plural(projects.length, 'project')}, ${plural(files.length, 'archive')}` : ''}</p></header>
      <Shown of={known} what="Archives">{() => (
        <>
          <div class="columns">
            <Export projects={projects} again={known.again} />
            <Bring came={(name) => { known.again(); look(`data:${name}`); }} />
          </div>
          <Files files={files} look={look} again={known.again} />
          {measured(jobs).slice(0, 1).map((job) => <Budgets key={job.id} job={job} />)}
          {jobs.length > 0 && <Jobs jobs={jobs} />}
        </>
      )}</Shown>
      {file && <Look key={file} file={file} close={() => look('')} again={known.again} />}
    </div>
  );
}

function Export({ projects, again }: { projects: Known['projects']; again: () => void }) {
  const form = useForm(async ({ project = '' }) => {
    await call('POST /archive/export', { body: { project } });
    toast(`${project} is being written into a file`);
    again();
  });
  return (
    <section class="card" aria-label="Export a project"><h2>Export a project</h2>
      <p>One file with its runs, artifacts, releases, names, rows and project file: for another workspace, another machine, or to keep.</p>
      {projects.length ? (
        <form class="row" onSubmit={form.submit}>
          <select name="project" aria-label="Project">{projects.map((one) => <option key={one.name} value={one.name}>{one.name}{one.versions ? `, ${plural(one.versions, 'release')}` : ''}</option>)}</select>
          <button type="submit" class="primary" disabled={form.busy}>Export</button>
        </form>
      ) : <p class="muted">No project yet: what <code>aimass run</code> carries out is listed here.</p>}
      <Problem refusal={form.refusal} />
    </section>
  );
}

function Files({ files, look, again }: { files: File[]; look: (file: string) => void; again: () => void }) {
  if (!files.length) return <Empty title="No archive yet" command="aimass export flights">Archives that are written here, or brought here, are listed here.</Empty>;
  return (
    <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">Archive</th><th scope="col">From</th><th scope="col" class="right">Size</th><th scope="col">Made</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
      <tbody>{files.map((file) => <Row key={file.file} file={file} look={look} again={again} />)}</tbody></table></div>
  );
}

function Row({ file, look, again }: { file: File; look: (file: string) => void; again: () => void }) {
  const [asked, ask] = useState(false);
  const name = file.file.replace(/^data:/, '');
  return (
    <tr>
      <th scope="row"><b>{name}</b></th><td>{file.brought ? 'brought in' : 'written here'}</td>
      <td class="right">{bytes(file.bytes)}</td><td><Ago at={file.made} /></td>
      <td class="right deeds">
        <button type="button" onClick={() => look(file.file)}>Look inside</button>{' '}
        <a class="button quiet" href={`${base}/archive/files/${encodeURIComponent(file.file)}`} download={name}><Icon name="save" /> Save</a>{' '}
        <button type="button" class="quiet" onClick={() => ask(true)}>Remove</button>
        {asked && <Confirm title={`Remove ${name}?`} verb="Remove archive" name={name} close={() => ask(false)} act={() => call('DELETE /archive/files/{file}', { path: { file: file.file } }).then(again)}>The file is gone then. What came out of it, or went into it, stays.</Confirm>}
      </td>
    </tr>
  );
}

function Jobs({ jobs }: { jobs: Job[] }) {
  return (
    <section aria-label="Jobs"><h2>What was done</h2>
      <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">State</th><th scope="col">Project</th><th scope="col">Asked</th><th scope="col" class="right">Took</th><th scope="col">Came to</th><th scope="col"><span class="unseen">Log</span></th></tr></thead>
        <tbody>{jobs.map((job) => (
          <tr key={job.id}>
            <td><State of={job.state} /></td><th scope="row">{job.kind === 'export' ? 'export of' : 'import of'} <b>{job.label}</b></th>
            <td><Ago at={job.asked} /> <span class="muted">by {job.who}</span></td>
            <td class="right">{job.started ? <Span from={job.started} to={job.ended} took={job.seconds} /> : <span class="muted">–</span>}</td>
            <td class={job.error ? 'bad' : ''}>{job.progress ? <Progress of={job.progress} /> : resultOf(job) || <span class="muted">–</span>}</td>
            <td class="right"><a href={`#/jobs?job=${job.id}`}>Log</a></td>
          </tr>
        ))}</tbody></table></div>
    </section>
  );
}

function Progress({ of: { what, done, of } }: { of: NonNullable<Job['progress']> }) {
  const words = what === 'bytes' ? `${bytes(done)} of ${bytes(of)}` : `${done} of ${plural(of, 'release')} measured`;
  return <span class="small"><progress value={done} max={Math.max(of, 1)} aria-label="How far it is" /> <span class="figure">{words}</span></span>;
}
