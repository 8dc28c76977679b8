// Work that is asked for here and carried out by workers: the queue, what each job says, cancel and resume.
import { call, me, type Refusal } from '../api/client.ts';
import { useNews } from '../api/news.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { Csv } from '../parts/csv-button.tsx';
import { plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { Empty, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago, Span } from '../parts/times.tsx';
import { toast } from '../shell/toasts.tsx';
import { Log } from './job/log.tsx';

type Job = Calls['GET /jobs']['answer']['rows'][number];

const GOING = ['queued', 'running', 'cancelling'];

export default function JobsPage() {
  const jobs = useNews('jobs', 'GET /jobs', { query: { limit: 200 } });
  const may = allows(useCell(me), 'jobs.ask');
  const [chosen, choose] = useQuery('job');
  const going = jobs.value?.rows.filter((job) => GOING.includes(job.state)).length ?? 0;
  return (
    <div class="page">
      <header class="head"><h1>Jobs</h1><p class="muted" role="status">{jobs.value ? `${plural(jobs.value.rows.length, 'job')}, ${going} queued or running` : ''}</p><span class="space" /><Csv of="Jobs" name="jobs" rows={jobs.value?.rows} /></header>
      <Shown of={jobs} what="The list of jobs">{({ rows }) => (rows.length ? (
        <>
          <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col">State</th><th scope="col">Job</th><th scope="col">Kind</th><th scope="col">Asked</th><th scope="col" class="right">Duration</th><th scope="col">Run</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
            <tbody>{rows.map((job) => <Row key={job.id} job={job} may={may} chosen={job.id === chosen} choose={choose} again={jobs.again} />)}</tbody></table></div>
          {rows.some((job) => job.id === chosen) && <Log key={chosen} job={chosen} />}
        </>
      ) : <Empty title="No job yet">Work that is asked for here (<a href="#/start">New project</a>, <a href="#/new-run">New run</a>) or over the API waits, runs and ends here. What <code>aimass run</code> does in a terminal is among the <a href="#/runs">Runs</a>.</Empty>)}</Shown>
    </div>
  );
}

interface RowProps {
  job: Job;
  may: boolean;
  chosen: boolean;
  choose: (id: string) => void;
  again: () => void;
}

function Row({ job, may, chosen, choose, again }: RowProps) {
  const path = { job: job.id };
  const failed = (problem: Refusal) => toast(problem.message, 'bad');
  const resume = () => void call('POST /jobs/{job}/resume', { path }).then(again, failed);
  const cancel = () => void call('POST /jobs/{job}/cancel', { path }).then(() => {
    toast(`${job.label} was asked to end; its checkpoint stays`);
    again();
  }, failed);
  const why = String(job.error?.['error'] ?? '');
  return (
    <tr class={chosen ? 'chosen' : ''}>
      <td><State of={job.state} /></td>
      <th scope="row"><a class="name" href={`#/jobs/${job.id}`}>{job.label}</a>{why && <><br /><span class="bad small">{why}</span></>}</th>
      <td>{job.kind}</td>
      <td><Ago at={job.asked} /> <span class="muted">by {job.who}</span></td>
      <td class="right">{job.started ? <Span from={job.started} to={job.ended} took={job.seconds} /> : <span class="muted">–</span>}</td>
      <td>{job.run ? <a href={`#/runs/${job.run}`}>run {job.run}</a> : <span class="muted">–</span>}</td>
      <td class="right deeds">
        <button type="button" class="quiet" aria-pressed={chosen} onClick={() => choose(chosen ? '' : job.id)}><Icon name="audit" /> Log</button>
        {may && ['queued', 'running'].includes(job.state) && <button type="button" onClick={cancel}>Cancel</button>}
        {may && ['cancelled', 'failed'].includes(job.state) && <button type="button" onClick={resume}>Resume</button>}
      </td>
    </tr>
  );
}
