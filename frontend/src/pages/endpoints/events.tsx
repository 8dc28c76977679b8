// What happened to an endpoint, newest first; the server itself keeps it.
import { Empty } from '../../parts/states.tsx';
import { Ago } from '../../parts/times.tsx';
import { split, type WholeEndpoint } from './words.ts';

const SHOWN = 20;

export function Events({ of: found }: { of: WholeEndpoint }) {
  const rows = [...found.events].reverse().slice(0, SHOWN);
  return (
    <section class="card events" aria-labelledby="events">
      <div class="card-head"><h2 id="events">What happened</h2><span class="space" /><a class="small" href="#/audit?what=endpoints.">Who did it</a></div>
      {rows.length ? (
        <div class="scroll tall" tabIndex={0} role="region" aria-label="Events"><table class="plain"><thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Why</th></tr></thead>
          <tbody>{rows.map((event, i) => <tr key={`${String(event['time'])} ${i}`}><td><Ago at={String(event['time'])} /></td><td>{what(event)}</td><td class="muted">{String(event['why'] ?? '')}</td></tr>)}</tbody></table></div>
      ) : <Empty title="Nothing yet">Changes of who answers stand here, since the server was started.</Empty>}
    </section>
  );
}

function what(event: Record<string, unknown>): string {
  const shares = event['shares'];
  if (typeof shares === 'object' && shares !== null) return Object.keys(shares).length ? split(shares as Record<string, number>, '') : 'nobody answers';
  return `${event['version'] ? `v${String(event['version'])} ` : ''}was ${String(event['event'] ?? '')}`;
}
