// The graph of the model: Netron where it is small enough to be drawn, and always what is in it as a table.
import { useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { base } from '../../api/client.ts';
import type { Calls } from '../../api/schema.ts';
import { Csv } from '../../parts/csv-button.tsx';
import { bytes, number, plural } from '../../parts/format.ts';
import { useQuery } from '../../parts/place.ts';
import { Shown } from '../../parts/states.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import type { Version } from '../model.tsx';

type Graph = Calls['GET /models/{name}/{number}/graph']['answer'];
type Layer = Graph['nodes'][number];

const COLUMNS: Column<Layer>[] = [
  { key: 'name', title: 'Node', cell: (layer) => <span class="cut" title={layer.name}>{layer.name}</span> },
  { key: 'operator', title: 'Operator', width: 190, cell: (layer) => layer.operator },
  { key: 'output', title: 'Gives', width: 160, cell: (layer) => layer.output || <span class="muted">–</span> },
  { key: 'shapes', title: 'Own numbers', width: 220, cell: (layer) => <span class="cut" title={layer.shapes.join(', ')}>{layer.shapes.join(', ') || <span class="muted">–</span>}</span> },
  { key: 'parameters', title: 'Parameters', width: 110, right: true, cell: (layer) => <span class="figure">{number(layer.parameters)}</span> },
];

export function Graph({ of: version }: { of: Version }) {
  const path = { name: version.name, number: version.number };
  const answer = useAnswer('GET /models/{name}/{number}/graph', { path });
  return <Shown of={answer} what="The graph" lines={10}>{(graph) => <Whole of={version} graph={graph} />}</Shown>;
}

function Whole({ of: version, graph }: { of: Version; graph: Graph }) {
  const [view, choose] = useQuery('view', graph.drawn ? 'drawn' : 'table');
  const [slow, dare] = useState(graph.drawn);
  return (
    <>
      <div class="bar">
        <div class="chips" role="group" aria-label="How the graph is shown">
          <button type="button" class="chip" aria-pressed={view === 'drawn'} onClick={() => choose('drawn')}>Drawn</button>
          <button type="button" class="chip" aria-pressed={view === 'table'} onClick={() => choose('table')}>Table</button>
        </div>
        <p class="muted">{plural(graph.count, 'node')}, {plural(graph.parameters, 'parameter')}, {bytes(graph.bytes)}</p>
        <span class="space" />
        <Csv of="Nodes of the graph" name={`${version.name}-${version.number}-graph`} rows={graph.nodes} />
      </div>
      {view === 'drawn' && (slow ? <Drawn of={version} /> : (
        <div class="notice empty"><h2>{number(graph.count)} nodes may take minutes to draw</h2>
          <p class="said">Beyond some 3,000 nodes a browser's tab can stand still. The table and the sums below show what is in it.</p>
          <p class="row"><button type="button" onClick={() => dare(true)}>Draw it nevertheless</button><button type="button" class="primary" onClick={() => choose('table')}>Show the table</button></p></div>
      ))}
      {view === 'table' && (
        <>
          <div class="columns sums">
            <Sums title="By operator" of={graph.operators} />
            <Sums title="By part of the graph" of={graph.groups} />
          </div>
          <Table label="Nodes of the graph" columns={COLUMNS} count={graph.nodes.length} row={(i) => graph.nodes[i]} keyOf={(layer) => graph.nodes.indexOf(layer)} rowHeight={28} tall={Math.min(420, 36 + 28 * graph.nodes.length)} />
          {graph.nodes.length < graph.count && <p class="muted small">The first {number(graph.nodes.length)} of {number(graph.count)} nodes.</p>}
        </>
      )}
    </>
  );
}

/** Netron in a frame of its own; those who cannot see it have the table. */
function Drawn({ of: version }: { of: Version }) {
  const file = `${base}/models/${encodeURIComponent(version.name)}/${version.number}/file`;
  const root = new URL('graph/index.html', document.baseURI).href.replace(/#.*/, '');
  const source = `${root}?${new URLSearchParams({ url: file, identifier: `${version.name}-${version.number}.onnx` })}`;
  return <iframe class="netron" title={`The graph of ${version.name}@${version.number}, drawn by Netron; the table shows the same as text`} src={source} />;
}

function Sums({ title, of: rows }: { title: string; of: Graph['operators'] }) {
  const most = Math.max(1, ...rows.map((row) => row.nodes));
  return (
    <section aria-label={title}><h2>{title}</h2>
      <div class="scroll short" tabIndex={0} role="group" aria-label={title}><table class="plain"><thead><tr><th scope="col">Name</th><th scope="col"><span class="unseen">Share</span></th><th scope="col" class="right">Nodes</th><th scope="col" class="right">Parameters</th></tr></thead>
        <tbody>{rows.map((row) => <tr key={row.name}><th scope="row"><span class="cut">{row.name}</span></th><td class="share"><i class="part" style={{ width: `${(100 * row.nodes) / most}%` }} /></td><td class="right figure">{number(row.nodes)}</td><td class="right figure">{number(row.parameters)}</td></tr>)}</tbody></table></div>
    </section>
  );
}
