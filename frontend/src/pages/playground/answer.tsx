// An answer, drawn: the class with the probability of each, the value, or a table for several records.
import { useState } from 'preact/hooks';
import type { Calls } from '../../api/schema.ts';
import { Csv } from '../../parts/csv-button.tsx';
import { linesAsCsv } from '../../parts/csv.ts';
import { Figure } from '../../parts/figure.tsx';
import { number, plural } from '../../parts/format.ts';
import type { Row } from './record.ts';
import { Why, type Explanation } from './why.tsx';

export type Answered = Calls['POST /playground/{name}']['answer'];
export type Form = Calls['GET /playground/{name}']['answer'];

const CLASSES = 12; // that are shown at once

export function Answer({ of: answer, form, sent }: { of: Answered; form: Form; sent: Row[] }) {
  const [chosen, choose] = useState(0);
  const at = Math.min(chosen, answer.predictions.length - 1);
  const explain = answer.explain as { explanations?: Explanation[]; error?: string; to_do?: string } | null;
  const explanation = explain?.explanations?.[at];
  return (
    <div class="answered">
      {answer.predictions.length > 1 && <Rows of={answer} form={form} sent={sent} at={at} choose={choose} />}
      <One of={answer.predictions[at]!} form={form} />
      {explain?.error && <p class="problem" role="alert"><span class="shape" aria-hidden="true">✕</span><span>No explanation: {explain.error}{explain.to_do && `; ${explain.to_do}`}</span></p>}
      {explanation && <Why of={explanation} form={form} />}
    </div>
  );
}

/** One prediction. */
function One({ of: said, form }: { of: Row; form: Form }) {
  const probabilities = said['probabilities'];
  if (form.classes.length && typeof probabilities === 'object' && probabilities !== null) return <Classes of={probabilities as Record<string, number | null>} label={String(said['label'] ?? '')} target={form.target} />;
  const names = Object.keys(said);
  const [first] = names;
  if (names.length === 1 && typeof said[first!] !== 'object') {
    const unit = form.outputs.find((output) => output.name === first)?.unit;
    return (
      <p class="verdict"><span class="muted">{form.target || first}</span>
        <b class="big">{typeof said[first!] === 'number' ? <Figure value={said[first!] as number} {...(unit && { unit })} /> : String(said[first!])}</b></p>
    );
  }
  return (
    <table class="plain pairs"><thead><tr><th scope="col">Output</th><th scope="col">Value</th></tr></thead>
      <tbody>{names.map((name) => <tr key={name}><th scope="row"><code>{name}</code></th><td class="figure">{short(said[name])}</td></tr>)}</tbody></table>
  );
}

function Classes({ of: probabilities, label, target }: { of: Record<string, number | null>; label: string; target: string }) {
  const [all, show] = useState(false);
  const ranked = Object.entries(probabilities).map(([name, value]) => [name, value ?? 0] as const).sort((a, b) => b[1] - a[1]);
  const shown = all ? ranked : ranked.slice(0, CLASSES);
  return (
    <section aria-label="Probabilities">
      <p class="verdict"><span class="muted">{target}</span><b class="big cut" title={label}>{label}</b><span class="muted">{percent(probabilities[label])}</span></p>
      <p class="tools"><Csv of="Probabilities" name="probabilities" rows={ranked.map(([name, probability]) => ({ class: name, probability }))} small /></p>
      <ul class="bars">{shown.map(([name, value]) => (
        <li key={name} class={name === label ? 'best' : ''}>
          <span class="cut" title={name}>{name}</span>
          <svg width="100%" height="14" aria-hidden="true"><rect class="ground" width="100%" height="14" rx="3" /><rect class="bar-fill" width={`${Math.max(0.4, 100 * value)}%`} height="14" rx="3" /></svg>
          <span class="figure" title={String(value)}>{percent(value)}</span>
        </li>
      ))}</ul>
      {ranked.length > CLASSES && <button type="button" class="link" onClick={() => show(!all)}>{all ? 'Fewer' : `${plural(ranked.length - CLASSES, 'more class', 'more classes')}`}</button>}
    </section>
  );
}

function Rows({ of: answer, form, sent, at, choose }: { of: Answered; form: Form; sent: Row[]; at: number; choose: (row: number) => void }) {
  const outputs = form.outputs.map((output) => output.name).filter((name) => name !== 'probabilities');
  const columns = form.columns.filter((column) => column.sent !== 'image' && column.sent !== 'tensor').slice(0, 4).map((column) => column.name);
  const text = () => {
    const names = [...form.columns.map((column) => column.name), ...outputs];
    return linesAsCsv([names, ...answer.predictions.map((said, i) => names.map((name) => (name in said ? said[name] : short(sent[i]?.[name]))))]);
  };
  return (
    <section class="rows" aria-label="Answers">
      <div class="bar"><b>{plural(answer.predictions.length, 'answer')}</b><span class="space" /><Csv of="Answers" name={answer.model} text={text} /></div>
      <div class="scroll tall" tabIndex={0} role="region" aria-label="Answers, row by row">
        <table class="plain boxed"><thead><tr><th scope="col" class="right">Row</th>{columns.map((name) => <th key={name} scope="col">{name}</th>)}{outputs.map((name) => <th key={name} scope="col">{name === 'label' || name === 'value' ? form.target || name : name}</th>)}{form.classes.length > 0 && <th scope="col" class="right">Probability</th>}</tr></thead>
          <tbody>{answer.predictions.map((said, i) => (
            <tr key={i} class={i === at ? 'chosen' : ''}>
              <td class="right"><button type="button" class="link figure" aria-pressed={i === at} aria-label={`Row ${i + 1}`} onClick={() => choose(i)}>{i + 1}</button></td>
              {columns.map((name) => <td key={name} class="cut">{short(sent[i]?.[name])}</td>)}
              {outputs.map((name) => <td key={name} class="figure"><b>{short(said[name])}</b></td>)}
              {form.classes.length > 0 && <td class="right figure">{percent((said['probabilities'] as Record<string, number> | undefined)?.[String(said['label'])])}</td>}
            </tr>
          ))}</tbody></table>
      </div>
    </section>
  );
}

export const percent = (share: number | null | undefined): string => (share === null || share === undefined ? '–' : `${(100 * share).toFixed(share > 0.001 && share < 0.999 ? 1 : 2)} %`);

function short(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'number') return number(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
