// The runs as columns: figures against the baseline, then the settings that differ; what is the same stays folded.
import { seriesToken } from '../../chart/colours.ts';
import { unitOf } from '../../chart/names.ts';
import { Figure } from '../../parts/figure.tsx';
import { number, plural } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { useQuery } from '../../parts/place.ts';
import { State } from '../../parts/state.tsx';
import { Span } from '../../parts/times.tsx';
import { against, bestOf, settingsOf, summed, type Compared, type Setting, type Way } from './rows.ts';

const FEW = 12; // figures that are shown unasked

interface Props {
  runs: Compared[];
  figures: string[];
  way: Way;
  base: Compared | undefined;
  colours: Map<number, number>;
  pin: (id: number) => void;
  remove: (id: number) => void;
}

export function Differences({ runs, figures, way, base, colours, pin, remove }: Props) {
  const [all, show] = useQuery('all');
  const [more, showMore] = useQuery('more');
  const { different, same } = settingsOf(runs);
  const shown = more ? figures : figures.slice(0, FEW);
  const wide = runs.length + 1;
  return (
    <div class="differences" tabIndex={0} role="region" aria-label="Differences">
      <table class="plain boxed">
        <thead><tr><th scope="col"><span class="unseen">What</span></th>{runs.map((run) => <Head key={run.id} run={run} colour={colours.get(run.id) ?? 0} isBase={run === base} pin={pin} remove={runs.length > 1 ? remove : undefined} />)}</tr></thead>
        <tbody>
          {shown.length > 0 && <Band wide={wide}>Figures</Band>}
          {shown.map((name) => <FigureRow key={name} name={name} runs={runs} way={way} base={base} />)}
          {figures.length > FEW && <tr><th scope="row" colSpan={wide}><button type="button" class="link" aria-expanded={Boolean(more)} onClick={() => showMore(more ? '' : 'yes')}>{more ? 'Fewer figures' : `${plural(figures.length - FEW, 'more figure')}`}</button></th></tr>}
          <tr><th scope="row">duration</th>{runs.map((run) => <td key={run.id} class="right"><Span from={run.started} to={run.ended ?? null} took={run.seconds} /><span class="apart" /></td>)}</tr>
          {runs.some((run) => run.memory_gb != null) && <tr><th scope="row">peak memory<span class="unit"> GB</span></th>{runs.map((run) => <td key={run.id} class="right"><Figure value={run.memory_gb} /><span class="apart" /></td>)}</tr>}
          <Band wide={wide}>{different.length ? 'Settings that differ' : 'No setting differs'}</Band>
          {different.map((row) => <SettingRow key={row.name} row={row} runs={runs} base={base} />)}
          {same.length > 0 && <tr><th scope="row" colSpan={wide}><button type="button" class="link" aria-expanded={Boolean(all)} onClick={() => show(all ? '' : 'yes')}>{all ? 'Hide what is the same' : `${plural(same.length, 'setting')} ${same.length === 1 ? 'is' : 'are'} the same`}</button></th></tr>}
          {all && same.map((row) => <SettingRow key={row.name} row={row} runs={runs} base={base} />)}
        </tbody>
      </table>
    </div>
  );
}

const Band = ({ wide, children }: { wide: number; children: preact.ComponentChildren }) => <tr class="band"><th scope="colgroup" colSpan={wide}>{children}</th></tr>;

function Head({ run, colour, isBase, pin, remove }: { run: Compared; colour: number; isBase: boolean; pin: (id: number) => void; remove: ((id: number) => void) | undefined }) {
  return (
    <th scope="col" class={isBase ? 'base' : ''}>
      <span class="who"><i class={`key ${seriesToken(colour)}`} aria-hidden="true" /><a href={`#/runs/${run.id}`} class="figure">run {run.id}</a>
        <span class="space" />
        <button type="button" class="quiet" aria-pressed={isBase} title={isBase ? 'The baseline' : 'Make it the baseline'} aria-label={`Run ${run.id} is the baseline`} onClick={() => pin(run.id)}><Icon name="pin" /></button>
        {remove && <button type="button" class="quiet" title="Take it out" aria-label={`Take run ${run.id} out`} onClick={() => remove(run.id)}><Icon name="close" /></button>}</span>
      <span class="label" title={run.label}>{run.label || run.step}</span>
      <State of={run.state} />
    </th>
  );
}

function FigureRow({ name, runs, way, base }: { name: string; runs: Compared[]; way: Way; base: Compared | undefined }) {
  const found = runs.map((run) => summed(name, run.figures[name], way));
  const best = bestOf(name, found.map((one) => one?.value));
  const measure = summed(name, base?.figures[name], way)?.value;
  const unit = unitOf(name);
  return (
    <tr><th scope="row">{name}{unit && <span class="unit"> {unit}</span>}</th>
      {runs.map((run, i) => {
        const one = found[i];
        const apart = run === base ? null : against(name, one?.value, measure);
        return (
          <td key={run.id} class={`right${i === best ? ' best' : ''}`} title={one && one.at !== null ? `at ${number(one.at)}` : undefined}>
            <Figure value={one?.value} />{i === best && <span class="unseen"> the best</span>}
            <span class={`small apart ${apart ? (apart.better ? 'good' : 'bad') : ''}`}>{apart && <><span aria-hidden="true">{apart.better ? '▲' : '▼'}</span><span class="unseen">{apart.better ? 'better by' : 'worse by'}</span> {apart.by > 0 ? '+' : ''}{number(apart.by, 3)}</>}</span>
          </td>
        );
      })}
    </tr>
  );
}

function SettingRow({ row, runs, base }: { row: Setting; runs: Compared[]; base: Compared | undefined }) {
  const usual = base && row.values[runs.indexOf(base)];
  return (
    <tr><th scope="row"><code>{row.name}</code></th>
      {runs.map((run, i) => {
        const value = row.values[i];
        return <td key={run.id} class={`value${base && value !== usual ? ' other' : ''}`}>{value === undefined ? <span class="muted">–</span> : <code title={value}>{shorter(value)}</code>}</td>;
      })}
    </tr>
  );
}

const MOST = 120; // letters of a value; the rest is on hover
const shorter = (text: string): string => (/^[0-9a-f]{64}$/.test(text) ? text.slice(0, 10) : text.length > MOST ? `${text.slice(0, MOST)}…` : text || '""');
