// What the version answers, what was measured, who let it pass, what it is made of.
import { bytes, number, plural } from '../../parts/format.ts';
import { flat } from '../../parts/flat.ts';
import { bounds, Interval, type Measured as Measure } from '../../parts/interval.tsx';
import { hrefOf, titleOf } from '../../parts/lineage.tsx';
import { sentence } from '../../parts/states.tsx';
import { State } from '../../parts/state.tsx';
import { Ago } from '../../parts/times.tsx';
import type { Version } from '../model.tsx';

export function Card({ of: version }: { of: Version }) {
  return (
    <div class="columns">
      <div class="stack">
        <Measured of={version} />
        <Budgets of={version} />
        <Gates of={version} />
        <Made of={version} />
      </div>
      <div class="stack">
        <Sent of={version} />
        <Data of={version} />
        <Files of={version} />
      </div>
    </div>
  );
}

function Measured({ of: { figures, metric, machine } }: { of: Version }) {
  const load = machine['load_average_at_start'];
  return (
    <section aria-labelledby="measured"><h2 id="measured">Measured</h2>
      {figures ? (
        <>
          <table class="plain"><thead><tr><th scope="col">Figure</th><th scope="col">Value and 95 % interval</th><th scope="col" class="right">Of</th></tr></thead>
            <tbody>
              <Line what={metric} of={figures.quality} rows="rows" />
              <Line what="p50 at the endpoint" of={figures.p50_ms} unit="ms" rows="requests" />
              <Line what="p99 at the endpoint" of={figures.p99_ms} unit="ms" rows="requests" />
              <Line what="p50 of the engine's call" of={figures.engine_p50_ms} unit="ms" rows="calls" />
              <tr><th scope="row">Size</th><td class="figure" title={`${figures.size_bytes} bytes`}>{bytes(figures.size_bytes)}</td><td /></tr>
              {figures.difference && <Line what={`${metric}, to its baseline`} of={figures.difference} rows="rows" />}
              {figures.agreement !== null && figures.agreement !== undefined && <tr><th scope="row">Answers as its baseline does</th><td class="figure">{number(100 * figures.agreement)} %</td><td /></tr>}
            </tbody></table>
          <p class="muted small">On {String(machine['processor'] ?? 'an unknown processor')}, {String(machine['cores'] ?? '?')} cores{typeof load === 'number' && `, load ${number(load, 3)}`}; held-back rows that training never saw.</p>
        </>
      ) : <p class="muted">Nothing was measured of it before it was published.</p>}
    </section>
  );
}

function Line({ what, of, unit, rows }: { what: string; of: Measure; unit?: string; rows: string }) {
  return <tr><th scope="row">{what}</th><td><Interval of={of} {...(unit && { unit })} /></td><td class="right muted figure nowrap">{of.n ? plural(of.n, rows.replace(/s$/, ''), rows) : ''}</td></tr>;
}

export function Budgets({ of: { goal } }: { of: { goal: Version['goal'] } }) {
  if (!goal.length) return null;
  return (
    <section aria-labelledby="budgets"><h2 id="budgets">Budgets</h2>
      <table class="plain"><thead><tr><th scope="col">Kept</th><th scope="col">Budget</th><th scope="col" class="right">Asked</th><th scope="col" class="right">Measured</th></tr></thead>
        <tbody>{goal.map((line) => (
          <tr key={line.budget}><td>{line.met === null ? <span class="muted">–</span> : <State of={line.met ? 'met' : 'missed'} />}</td><th scope="row">{line.what}</th><td class="right figure">{line.budget === 'floor' ? '' : '≤ '}{number(line.asked)} {line.unit}</td>
            <td class="right figure">{number(line.measured)} {line.unit} <span class="muted small">{line.interval && line.interval[0] !== line.interval[1] && bounds({ value: 0, low: line.interval[0], high: line.interval[1] })}</span></td></tr>
        ))}</tbody></table>
    </section>
  );
}

function Gates({ of: { gates } }: { of: Version }) {
  return (
    <section aria-labelledby="gates"><h2 id="gates">Gates</h2>
      {gates.length ? <ul class="reasons">{gates.map((gate) => <li key={gate.gate}><State of={gate.passed ? 'passed' : 'refused'} /> <b>{gate.gate}</b><p class="muted">{sentence(gate.reason)}</p></li>)}</ul> : <p class="muted">None was asked.</p>}
    </section>
  );
}

function Made({ of: version }: { of: Version }) {
  const rows = [...flat(version.architecture), ...flat(version.passes.length ? { pass: version.passes } : {}), ...flat({ engine: version.engine })]
    .filter(([name]) => !name.endsWith('revision'));
  return (
    <section aria-labelledby="made"><h2 id="made">Made of</h2>
      {version.candidate && <p>{version.candidate}{version.reason && <span class="muted">: {sentence(version.reason)}</span>}</p>}
      <table class="plain pairs"><thead><tr><th scope="col">Setting</th><th scope="col">Value</th></tr></thead>
        <tbody>{rows.map(([name, value]) => <tr key={name}><th scope="row"><code>{name === 'use' ? 'architecture' : name}</code></th><td><code>{value}</code></td></tr>)}</tbody></table>
    </section>
  );
}

function Sent({ of: { columns, classes, target, task } }: { of: Version }) {
  return (
    <section aria-labelledby="sent"><h2 id="sent">What it takes and answers</h2>
      <p>{task === 'regression' ? <>A number: <b>{target}</b>.</> : classes.length ? <><b>{target}</b>, one of {classes.slice(0, 12).join(', ')}{classes.length > 12 && ` and ${classes.length - 12} more`}, with probabilities.</> : <b>{target}</b>}</p>
      <div class="scroll tall" tabIndex={0} role="group" aria-label="Columns that a caller sends"><table class="plain takes"><thead><tr><th scope="col">Column</th><th scope="col">Sent as</th><th scope="col">Prepared as</th><th scope="col">Such as</th></tr></thead>
        <tbody>{columns.map((column) => <tr key={column.name}><th scope="row">{column.name}</th><td>{column.sent || column.dtype}{column.unit && <span class="muted"> {column.unit}</span>}</td><td>{column.kind || '–'}</td><td class="muted">{(column.values ?? []).slice(0, 4).join(', ')}</td></tr>)}</tbody></table></div>
      <p class="muted small">{plural(columns.length, 'column')}.</p>
    </section>
  );
}

function Data({ of: { data } }: { of: Version }) {
  return (
    <section aria-labelledby="data"><h2 id="data">Data it comes from</h2>
      {data.length ? (
        <table class="plain"><thead><tr><th scope="col">Dataset</th><th scope="col">Step</th><th scope="col">Made</th><th scope="col" class="right">Size</th></tr></thead>
          <tbody>{data.map((node) => <tr key={node.digest}><th scope="row"><a href={hrefOf(node)}>{titleOf(node)}</a> <code class="muted">{node.digest.slice(0, 8)}</code></th><td>{node.step}</td><td><Ago at={node.created} /></td><td class="right figure">{bytes(node.size)}</td></tr>)}</tbody></table>
      ) : <p class="muted">It was imported: nothing is known of the data it was trained on.</p>}
    </section>
  );
}

function Files({ of: { files, package: version } }: { of: Version }) {
  return (
    <section aria-labelledby="files"><h2 id="files">Files</h2>
      <table class="plain"><thead><tr><th scope="col">File</th><th scope="col">SHA-256</th><th scope="col" class="right">Size</th></tr></thead>
        <tbody>{files.map((file) => <tr key={file.name}><th scope="row">{file.name}</th><td><code title={file.sha256}>{file.sha256.slice(0, 16)}</code></td><td class="right figure" title={`${file.size} bytes`}>{bytes(file.size)}</td></tr>)}</tbody></table>
      <p class="muted small">Made by aimass {version}.</p>
    </section>
  );
}
