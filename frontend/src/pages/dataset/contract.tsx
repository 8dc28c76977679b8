// Columns with their types, and what each source promised of them.
import type { DatasetDetail, Rules } from '../../api/kinds.ts';
import { Icon } from '../../parts/icons.tsx';
import { copy } from '../../shell/keys.ts';
import { rulesOf, tomlOf } from './words.ts';

export function Contract({ dataset }: { dataset: DatasetDetail }) {
  const sources = Object.entries(dataset.contract);
  const [only] = sources;
  return (
    <>
      <section class="became" aria-labelledby="columns"><h2 id="columns">Columns</h2>
        <Columns columns={dataset.columns} rules={sources.length === 1 ? only![1] : {}} promised={sources.length === 1} />
        {sources.length === 1 && <Copy source={only![0]} columns={only![1]} />}
      </section>
      {sources.length > 1 && sources.map(([source, columns]) => (
        <section key={source} class="became" aria-label={`Contract of ${source}`}><h2>Contract of {source}</h2>
          <Columns columns={Object.entries(columns).map(([name, rules]) => ({ name, type: String(rules['type']) }))} rules={columns} promised />
          <Copy source={source} columns={columns} /></section>
      ))}
      {!sources.length && <p class="calm">Rows are kept as they came. Their contract is found when they are cleaned: types, words for “no value”, ranges, allowed values.</p>}
    </>
  );
}

interface Named {
  name: string;
  type: string;
  shape?: number[] | null;
}

function Columns({ columns, rules, promised }: { columns: Named[]; rules: Record<string, Rules>; promised: boolean }) {
  return (
    <div class="scroll"><table class="plain boxed"><thead><tr><th scope="col" class="right">#</th><th scope="col">Column</th><th scope="col">Type</th>{promised && <><th scope="col">Rules</th><th scope="col">Words for no value</th></>}</tr></thead>
      <tbody>{columns.map(({ name, type, shape }, i) => (
        <tr key={name}><td class="right muted figure">{i + 1}</td><th scope="row"><b>{name}</b></th><td>{type}{shape && <span class="muted"> {shape.join(' × ')}</span>}</td>
          {promised && <><td>{rulesOf(rules[name] ?? {}) || <span class="muted">–</span>}</td><td class="muted">{wordsOf(rules[name] ?? {})}</td></>}</tr>
      ))}</tbody></table></div>
  );
}

function Copy({ source, columns }: { source: string; columns: Record<string, Rules> }) {
  return <p class="after"><button type="button" class="quiet" title={`[clean.contract.${source}] of the project file`} onClick={() => copy(tomlOf(source, columns), 'The contract is copied')}><Icon name="copy" /> Copy the contract as TOML</button></p>;
}

const wordsOf = (rules: Rules): string => ((rules['missing'] as string[] | undefined) ?? []).map((word) => word || '(empty)').join(' ') || '–';
