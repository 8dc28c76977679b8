// Why the model answers so: what each column, word or region adds, as bars, in the text, over the picture.
import { Csv } from '../../parts/csv-button.tsx';
import { number, plural } from '../../parts/format.ts';
import type { Form } from './answer.tsx';

interface Share {
  name: string;
  value: unknown;
  attribution: number | null;
  error: number | null;
}

interface Token {
  text: string;
  attribution: number | null;
}

interface Changed {
  found: boolean;
  target: string;
  changes: Array<{ name: string; from: unknown; to: unknown }>;
  after: Record<string, unknown>;
}

export interface Explanation {
  prediction: number;
  target: string;
  base_value: number;
  attributions: Share[];
  others: number;
  tokens?: Record<string, Token[]>;
  overlays?: Record<string, string>;
  method: string;
  evaluations: number;
  background_rows: number;
  elapsed_ms: number;
  warnings: string[];
  counterfactual?: Changed;
}

const SHOWN = 15;

export function Why({ of: found, form }: { of: Explanation; form: Form }) {
  const what = found.target ? `the probability of ${found.target}` : form.target || 'the value';
  return (
    <section class="why" aria-label="Explanation">
      <h3>What it rests on</h3>
      <p class="muted small">Base value {number(found.base_value)} and these add up to {what}: {number(found.prediction)}</p>
      {(found.attributions.length > 1 || !(found.tokens || found.overlays)) && <Bars of={found} />}
      {Object.entries(found.tokens ?? {}).map(([name, tokens]) => <Words key={name} name={name} tokens={tokens} />)}
      {Object.entries(found.overlays ?? {}).map(([name, png]) => (
        <figure key={name} class="overlay"><img src={`data:image/png;base64,${png}`} alt={`${name}: what speaks for ${found.target || 'the answer'} in red, against it in blue`} />
          <figcaption class="muted small">{name}: red speaks for {found.target || 'the answer'}, blue against it</figcaption></figure>
      ))}
      {found.counterfactual && <Otherwise of={found.counterfactual} />}
      <p class="muted small">{found.method}; {plural(found.evaluations, 'row')} asked in {number(found.elapsed_ms, 3)} ms, against {plural(found.background_rows, 'row')} of training data</p>
      {found.warnings.map((warning) => <p key={warning} class="small"><span class="warning" aria-hidden="true">▲</span> {warning}</p>)}
    </section>
  );
}

/** From the middle to the right what speaks for the answer, to the left what speaks against it. */
function Bars({ of: found }: { of: Explanation }) {
  const shown = found.attributions.slice(0, SHOWN);
  const rest = found.others + found.attributions.slice(SHOWN).reduce((sum, one) => sum + (one.attribution ?? 0), 0);
  const rows = found.attributions.length > SHOWN ? [...shown, { name: `${found.attributions.length - SHOWN} others`, value: undefined, attribution: rest, error: null }] : shown;
  const largest = Math.max(...rows.map((one) => Math.abs(one.attribution ?? 0) + (one.error ?? 0)), 1e-12);
  const width = (value: number) => (48 * Math.abs(value)) / largest;
  return (
    <>
      <p class="tools"><Csv of="What it rests on" name="attributions" rows={found.attributions} small /></p>
      <ul class="bars signed">{rows.map((one) => {
        const value = one.attribution ?? 0;
        const end = 50 + Math.sign(value) * width(value);
        const spread = one.error === null ? 0 : width(one.error);
        return (
          <li key={one.name}>
            <span class="cut" title={one.name}>{one.name}{one.value !== undefined && one.value !== null && <span class="muted"> = {sent(one.value)}</span>}</span>
            <svg width="100%" height="16" aria-hidden="true">
              <line x1="50%" x2="50%" y1="0" y2="16" class="middle" />
              <rect class={value < 0 ? 'against' : 'for'} x={`${value < 0 ? end : 50}%`} y="2" width={`${Math.max(0.3, width(value))}%`} height="12" rx="2" />
              {spread > 0 && <line class="spread" x1={`${Math.max(0, end - spread)}%`} x2={`${Math.min(100, end + spread)}%`} y1="8" y2="8" />}
            </svg>
            <span class="figure" title={`${value}${one.error === null ? '' : ` ± ${one.error}`}`}>{value > 0 ? '+' : ''}{number(value, 3)}</span>
          </li>
        );
      })}</ul>
    </>
  );
}

/** The text again; what a word adds is its ground, and the line under it: whole for, dotted against. */
function Words({ name, tokens }: { name: string; tokens: Token[] }) {
  const largest = Math.max(...tokens.map((token) => Math.abs(token.attribution ?? 0)), 1e-12);
  return (
    <div class="words"><p class="muted small">{name}, word by word</p>
      <p>{tokens.map((token, i) => {
        const value = token.attribution ?? 0;
        const share = Math.abs(value) / largest;
        if (share < 0.05) return <span key={i}>{token.text} </span>;
        return <span key={i}><span class={`token ${value < 0 ? 'against' : 'for'}`} style={{ '--share': `${Math.round(45 * share)}%` }} title={`${value > 0 ? '+' : ''}${number(value, 3)}`}>{token.text}</span> </span>;
      })}</p>
    </div>
  );
}

function Otherwise({ of: changed }: { of: Changed }) {
  return (
    <div class="otherwise"><h3>What would change the answer</h3>
      {changed.changes.length ? (
        <ul>{changed.changes.map((one) => <li key={one.name}><b>{one.name}</b> <span class="muted">{sent(one.from)} →</span> {sent(one.to)}</li>)}</ul>
      ) : null}
      <p class="muted small">{changed.found ? `With that it answers ${String(changed.after['label'] ?? changed.target)}.` : 'Nothing was found that changes it, in the time given.'}</p>
    </div>
  );
}

const sent = (value: unknown): string => {
  const text = typeof value === 'number' ? number(value) : typeof value === 'string' ? value.replace(/T00:00:00(\.0+)?Z?$/, '') : JSON.stringify(value) ?? '–';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
