// The runs of a job in the order they began, each a click away; those that work show their figure live.
import { LiveSpark } from '../../chart/live-spark.tsx';
import { keyOf } from '../../chart/names.ts';
import { Figure } from '../../parts/figure.tsx';
import { Empty } from '../../parts/states.tsx';
import { State } from '../../parts/state.tsx';
import { Span } from '../../parts/times.tsx';
import type { Story } from '../job.tsx';

type Step = Story['steps'][number];

export function Tried({ steps, going }: { steps: Step[]; going: boolean }) {
  if (!steps.length) return <Empty title={going ? 'Nothing has begun yet' : 'Nothing is known of its runs'}>{going ? 'A worker takes it within a second, if one is free.' : 'It never began, or ran on another machine.'}</Empty>;
  return (
    <div class="scroll"><table class="plain boxed tried">
      <thead><tr><th scope="col">State</th><th scope="col">Step</th><th scope="col">What</th><th scope="col">Figure</th><th scope="col"><span class="unseen">Curve</span></th><th scope="col" class="right">Duration</th><th scope="col" class="right">Run</th></tr></thead>
      <tbody>{steps.map((step) => <Row key={step.run} of={step} />)}</tbody>
    </table></div>
  );
}

function Row({ of: step }: { of: Step }) {
  const key = keyOf(Object.keys(step.metrics));
  const why = String(step.error?.['error'] ?? '');
  return (
    <tr>
      <td><State of={step.state} /></td>
      <td>{step.step}</td>
      <th scope="row">{step.label && step.label !== step.step ? step.label : <span class="muted">–</span>}{why && <><br /><span class="bad small">{why}</span></>}</th>
      <td>{key ? <span class="keyed"><span class="muted cut">{key}</span><Figure value={step.metrics[key]} /></span> : <span class="muted">–</span>}</td>
      <td>{key && step.state === 'running' && <LiveSpark run={step.run} name={key} />}</td>
      <td class="right"><Span from={step.started} to={step.ended} took={step.seconds} /></td>
      <td class="right"><a href={`#/runs/${step.run}`}>run {step.run}</a></td>
    </tr>
  );
}
