// What came of a job: its budgets against what was measured, and where to go from here.
import { Figure } from '../../parts/figure.tsx';
import { number, plural } from '../../parts/format.ts';
import { sentence } from '../../parts/states.tsx';
import { routeOf } from '../../routes.ts';
import type { Job, Story } from '../job.tsx';

type Ledger = NonNullable<Story['ledger']>;

export function Outcome({ job, story }: { job: Job; story: Story }) {
  const { ledger } = story;
  const release = (job.outcome?.['release'] ?? null) as { version: string; alias: string } | null;
  if (!ledger && !job.error) return null;
  const [name = '', version = ''] = release?.version.split('@') ?? [];
  return (
    <section class={`card outcome ${release ? 'good-end' : job.error ? 'bad-end' : ''}`} aria-label="What came of it">
      <header>
        <h2>{release ? <><span class="good shape" aria-hidden="true">✓</span> Published {release.version} <span class="muted">as {release.alias}</span></> : job.error ? <><span class="bad shape" aria-hidden="true">✕</span> {ledger && !ledger.pick ? 'Nothing was published' : 'It failed'}</> : 'The ledger is made'}</h2>
        <span class="space" />
        {release && <Way primary href={`/playground/${encodeURIComponent(name)}`}>Send a record</Way>}
        {ledger && <Way href={`/ledgers/${ledger.digest}`}>Read the ledger</Way>}
        {release && <Way href={`/models/${encodeURIComponent(name)}/${version}`}>See the model</Way>}
        {job.error && story.file && <Way primary href={`/start?${new URLSearchParams({ file: story.file, target: story.target })}`}>Change what is asked</Way>}
      </header>
      {job.error && <Why error={job.error as Record<string, string>} short={Boolean(ledger)} />}
      {ledger && <Held of={ledger} />}
      {ledger && ledger.nearest.length > 0 && <div class="nearest"><h3>Nearest to it</h3><ul>{ledger.nearest.map((one) => <li key={one}>{sentence(one)}</li>)}</ul></div>}
    </section>
  );
}

/** A way on, where there is such a page. */
function Way({ href, primary, children }: { href: string; primary?: boolean; children: string }) {
  return routeOf(href.split('?')[0]!) ? <a class={`button${primary ? ' primary' : ''}`} href={`#${href}`}>{children}</a> : null;
}

function Why({ error, short }: { error: Record<string, string>; short: boolean }) {
  return (
    <p class="why">{sentence(error['error'] ?? 'it ended without a word')}
      {error['expected'] && <><br /><span class="muted">Expected: {error['expected']}</span></>}
      {error['to_do'] && !short && <><br />To do: {error['to_do']}</>}</p>
  );
}

function Held({ of: ledger }: { of: Ledger }) {
  if (!ledger.held.length) return <p class="why">No budget was given; {ledger.pick} was taken out of {plural(ledger.tried, 'candidate')}.</p>;
  return (
    <>
      <table class="plain held">
        <thead><tr><th scope="col">Budget</th><th scope="col" class="right">Asked</th><th scope="col" class="right">Measured</th><th scope="col" class="right">95 % interval</th><th scope="col">Kept</th></tr></thead>
        <tbody>{ledger.held.map((line) => (
          <tr key={line.what}><th scope="row">{line.what}{line.unit && <span class="muted">, {line.unit}</span>}</th>
            <td class="right"><Figure value={line.asked} /></td><td class="right"><Figure value={line.measured} /></td>
            <td class="right figure muted">{line.low === null && line.high === null ? '–' : `${number(line.low)} to ${number(line.high)}`}</td>
            <td>{line.met ? <span class="good">✓ kept</span> : <span class="bad">✕ not kept</span>}</td></tr>
        ))}</tbody>
      </table>
      <p class="muted small calm">{ledger.pick ? <><b>{ledger.pick}</b> was taken out of {plural(ledger.tried, 'candidate')}.</> : <>None of {plural(ledger.tried, 'candidate')} keeps every budget; these are the figures of the nearest.</>}</p>
    </>
  );
}
