// A job while it works and when it is over: its stages, what is being tried, and what came of it against the budgets.
import { useEffect } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me, type Refusal } from '../api/client.ts';
import type { Run } from '../api/kinds.ts';
import { useNews } from '../api/news.ts';
import type { Calls } from '../api/schema.ts';
import { useTopic } from '../api/topic.ts';
import { useCell } from '../parts/cell.ts';
import { Icon } from '../parts/icons.tsx';
import { useQuery } from '../parts/place.ts';
import { allows } from '../parts/rights.ts';
import { useSoon } from '../parts/soon.ts';
import { Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Ago, Span, useClock } from '../parts/times.tsx';
import { copyLink } from '../shell/keys.ts';
import { toast } from '../shell/toasts.tsx';
import { Log } from './job/log.tsx';
import { Outcome } from './job/outcome.tsx';
import { Stages } from './job/stages.tsx';
import { Tried } from './job/tried.tsx';

export type Job = Calls['GET /jobs/{job}']['answer'];
export type Story = Calls['GET /jobs/{job}/story']['answer'];

const GOING = ['queued', 'running', 'cancelling'];

export default function JobPage({ id }: { id: string }) {
  const path = { path: { job: id } };
  const soon = useSoon(() => story.again());
  const ready = useTopic<{ changed: Run[] }>('runs', ({ changed }) => {
    const known = new Map(story.value?.steps.map((step) => [step.run, step.state]));
    if (changed.some((run) => known.get(run.id) !== run.state)) soon();
    story.change((now) => ({ ...now, steps: now.steps.map((step) => ({ ...step, ...changed.find((run) => run.id === step.run) })) }));
  }, soon);
  const job = useNews(`job/${id}`, 'GET /jobs/{job}', path);
  const story = useAnswer('GET /jobs/{job}/story', path, ready);
  const going = !job.value || GOING.includes(job.value.state);
  useEffect(story.again, [job.value?.state]);
  useEffect(() => void (document.title = `Job ${id} · AI Mass`), [id]);
  const [tab, choose] = useQuery('tab', 'tried');
  return (
    <div class="page job">
      {!job.value && <h1 class="unseen">Job {id}</h1>}
      <Shown of={job} what={`Job ${id}`} lines={8}>{(now) => (
        <>
          <Head job={now} story={story.value} again={job.again} />
          <Shown of={story} what="What it came to" lines={6}>{(told) => (
            <>
              {now.kind === 'project' && <Stages job={now} story={told} />}
              <Outcome job={now} story={told} />
              <Tabs label="Parts of the job" tabs={[{ key: 'tried', title: 'Runs', count: told.steps.length }, { key: 'log', title: 'Log' }, { key: 'work', title: now.kind === 'project' ? 'Project file' : 'Task' }]} at={tab} choose={choose}>
                {tab === 'tried' && <Tried steps={told.steps} going={going} />}
                {tab === 'log' && <Log job={id} />}
                {tab === 'work' && <pre class="log block" tabIndex={0}>{textOf(now)}</pre>}
              </Tabs>
            </>
          )}</Shown>
        </>
      )}</Shown>
    </div>
  );
}

const textOf = (job: Job): string => (job.kind === 'project' ? String(job.work['text']) : JSON.stringify(job.work, null, 2));

function Head({ job, story, again }: { job: Job; story: Story | undefined; again: () => void }) {
  const may = allows(useCell(me), 'jobs.ask');
  const going = GOING.includes(job.state);
  useClock(going ? 1000 : null);
  const path = { job: job.id };
  const failed = (problem: Refusal) => toast(problem.message, 'bad');
  const cancel = () => void call('POST /jobs/{job}/cancel', { path }).then(() => {
    toast(`${job.label} was asked to end; its checkpoint stays`, 'plain', resume);
    again();
  }, failed);
  const resume = () => void call('POST /jobs/{job}/resume', { path }).then(again, failed);
  return (
    <header class="object">
      <p class="crumbs"><a href="#/jobs">Jobs</a> <span aria-hidden="true">/</span> <span class="figure">{job.id}</span></p>
      <div class="title">
        <h1>{job.label}</h1><State of={job.state} />
        <span class="space" />
        <button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button>
        {may && ['queued', 'running'].includes(job.state) && <button type="button" onClick={cancel}><Icon name="stop" /> Cancel job</button>}
        {may && ['cancelled', 'failed'].includes(job.state) && <button type="button" onClick={resume}>Resume job</button>}
      </div>
      <dl class="facts" aria-label="Status">
        {story?.file && <div><dt>Data</dt><dd>{story.file}</dd></div>}
        {story?.target && <div><dt>Predicts</dt><dd>{story.target}</dd></div>}
        <div><dt>Asked</dt><dd><Ago at={job.asked} /> by {job.who}</dd></div>
        {job.started && <div><dt>{going ? 'Going for' : 'Took'}</dt><dd><Span from={job.started} to={job.ended} took={job.seconds} />{going && story?.minutes && <span class="muted"> of {story.minutes} min</span>}</dd></div>}
      </dl>
    </header>
  );
}
