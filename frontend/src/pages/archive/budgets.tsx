// Each budget of the releases that came in: asked, as it was where they were released, and here.
import { Csv } from '../../parts/csv-button.tsx';
import { number } from '../../parts/format.ts';
import { Ago } from '../../parts/times.tsx';
import { heldOf, type Budget, type Held, type Job, type Side } from './outcome.ts';

export function Budgets({ job }: { job: Job }) {
  const held = heldOf(job);
  const rows = held.flatMap((one) => one.budgets.map((line) => flatly(one, line)));
  return (
    <section class="card carried" aria-label="Budgets on this machine">
      <header class="bar"><h2>Budgets on this machine</h2><span class="muted">{job.label}, brought in <Ago at={job.asked} /></span><span class="space" /><Csv of="Budgets on this machine" name={`budgets-${job.label}`} rows={rows} /></header>
      <div class="scroll"><table class="plain">
        <thead><tr><th scope="col">Release</th><th scope="col">Budget</th><th scope="col" class="right">Asked</th><th scope="col" class="right">There</th><th scope="col" class="right">Here</th><th scope="col">Here it</th></tr></thead>
        <tbody>{held.flatMap((one) => (one.budgets.length ? one.budgets.map((line, i) => <Line key={`${one.release} ${line.budget}`} of={line} release={i ? '' : one.release} lines={one.budgets.length} />) : [<tr key={one.release}><th scope="row"><b>{one.release}</b></th><td colSpan={5} class="muted">{one.why}</td></tr>]))}</tbody>
      </table></div>
    </section>
  );
}

function Line({ of: line, release, lines }: { of: Budget; release: string; lines: number }) {
  return (
    <tr>
      {release && <th scope="rowgroup" rowSpan={lines}><b>{release}</b></th>}<td>{line.what}</td>
      <td class="right">{line.asked}{line.unit && ` ${line.unit}`}</td>
      <td class="right"><Figure of={line.there} /></td>
      <td class="right"><Figure of={line.here} /></td>
      <td><span class={`state ${line.here.met ? 'good' : 'bad'}`}><span class="shape" aria-hidden="true">{line.here.met ? '✓' : '✕'}</span>{line.here.met ? 'holds' : line.here.measured === null ? 'was not measured' : 'does not hold'}</span></td>
    </tr>
  );
}

function Figure({ of: side }: { of: Side }) {
  if (side.measured === null) return <span class="muted">–</span>;
  const [low, high] = side.interval ?? [null, null];
  return <span title={String(side.measured)}>{number(side.measured)} <span class="muted">[{number(low)}, {number(high)}]</span></span>;
}

const flatly = (one: Held, line: Budget) => ({
  release: one.release, budget: line.what, unit: line.unit, asked: line.asked,
  there: line.there.measured, there_low: line.there.interval?.[0], there_high: line.there.interval?.[1],
  here: line.here.measured, here_low: line.here.interval?.[0], here_high: line.here.interval?.[1], holds: line.here.met,
});
