// Where an artifact came from and what came of it: a strip for heads, a drawing for pages; everything in it leads somewhere.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import type { Calls } from '../api/schema.ts';
import { plural, short } from './format.ts';
import { laidOut, needed } from './layers.ts';
import { Shown } from './states.tsx';
import { Ago } from './times.tsx';

export type Whole = Calls['GET /artifacts/{digest}']['answer'];
type Node = Whole['nodes'][number];

const WIDE = 168, TALL = 44, ACROSS = 44, DOWN = 12; // pixels of a box, and between boxes
const BESIDE = 5; // of each side in a strip

export const useLineage = (digest: string) => useAnswer('GET /artifacts/{digest}', { path: { digest } });

/** What NODE is called: a version by its name, a dataset by its source, all else by what its run was for. */
export function titleOf(node: Node): string {
  const version = node.versions.at(-1);
  return version ? `${version.name}@${version.number}` : node.label || node.step || short(node.digest);
}

/** The page of NODE. */
export function hrefOf(node: Node): string | undefined {
  const version = node.versions.at(-1);
  if (version && node.kind === 'release') return `#/models/${encodeURIComponent(version.name)}/${version.number}`;
  if (node.kind === 'dataset') return `#/datasets/${node.digest}`;
  if (node.ledger) return `#/ledgers/${node.digest}`;
  return node.run ? `#/runs/${node.run}` : undefined;
}

const kindOf = (node: Node): string => (node.ledger ? 'ledger' : node.kind);

/** The nearest on both sides of the artifact DIGEST, in a line. */
export function Strip({ of: whole }: { of: Whole }) {
  const near = (digests: string[]) => digests.map((digest) => whole.nodes.find((node) => node.digest === digest)!);
  const before = near(whole.edges.filter(([, child]) => child === whole.digest).map(([parent]) => parent));
  const after = near(whole.edges.filter(([parent]) => parent === whole.digest).map(([, child]) => child));
  if (!before.length && !after.length) return null;
  return (
    <nav class="lineage" aria-label="Lineage">
      <Side of={before} />
      {before.length > 0 && <span class="arrow" aria-hidden="true">→</span>}
      <span class="here" aria-current="true">{titleOf(whole)}</span>
      {after.length > 0 && <span class="arrow" aria-hidden="true">→</span>}
      <Side of={after} />
    </nav>
  );
}

function Side({ of: nodes }: { of: Node[] }) {
  return (
    <>
      {nodes.slice(0, BESIDE).map((node) => {
        const words = <><span class="muted">{kindOf(node)}</span> {titleOf(node)}</>;
        return <a key={node.digest} class="near" href={hrefOf(node)} title={node.digest}>{words}</a>;
      })}
      {nodes.length > BESIDE && <span class="muted">and {nodes.length - BESIDE} more</span>}
    </>
  );
}

/** The whole lineage of the artifact DIGEST, drawn from left to right. */
export function Lineage({ digest }: { digest: string }) {
  return <Shown of={useLineage(digest)} what="The lineage">{(whole) => <Drawn of={whole} />}</Shown>;
}

export function Drawn({ of: whole }: { of: Whole }) {
  const box = useRef<HTMLDivElement>(null);
  const links = needed(whole.edges.map(([from, to]) => ({ from, to })));
  const places = laidOut(whole.nodes.map((node) => node.digest), links);
  const columns = Math.max(...[...places.values()].map((place) => place.column)) + 1;
  const rows = Math.max(...[...places.values()].map((place) => place.row)) + 1;
  const left = (digest: string) => places.get(digest)!.column * (WIDE + ACROSS);
  const top = (digest: string) => places.get(digest)!.row * (TALL + DOWN);
  const [width, height] = [columns * (WIDE + ACROSS) - ACROSS, rows * (TALL + DOWN) - DOWN];
  useLayoutEffect(() => {
    if (box.current) box.current.scrollLeft = left(whole.digest) + WIDE - box.current.clientWidth / 2;
  }, [whole.digest]);
  return (
    <section class="drawn" aria-label="Lineage">
      <div class="scroll" ref={box} tabIndex={0} role="group" aria-label="Lineage, from sources on the left to what came of them on the right">
        <div class="web" style={{ width: `${width}px`, height: `${height}px` }}>
          <svg width={width} height={height} aria-hidden="true">
            {links.map(({ from, to }) => <path key={from + to} class={from === whole.digest || to === whole.digest ? 'mine' : ''} d={curve(left(from) + WIDE, top(from) + TALL / 2, left(to), top(to) + TALL / 2)} />)}
          </svg>
          {whole.nodes.map((node) => <Box key={node.digest} node={node} here={node.digest === whole.digest} left={left(node.digest)} top={top(node.digest)} />)}
        </div>
      </div>
      <p class="muted small">{plural(whole.nodes.length, 'artifact')}{whole.more && '; those further away are left out'}</p>
    </section>
  );
}

function Box({ node, here, left, top }: { node: Node; here: boolean; left: number; top: number }) {
  const style = { left: `${left}px`, top: `${top}px`, width: `${WIDE}px`, height: `${TALL}px` };
  const words = <><b class="cut">{titleOf(node)}</b><span class="muted small cut">{kindOf(node)} · <Ago at={node.created} /></span></>;
  const href = hrefOf(node);
  const more = { class: `box ${kindOf(node)}${here ? ' here' : ''}`, style, title: `${titleOf(node)}\n${node.digest}` };
  return href ? <a {...more} href={href} aria-current={here}>{words}</a> : <span {...more}>{words}</span>;
}

function curve(x: number, y: number, toX: number, toY: number): string {
  const bend = Math.min(ACROSS, (toX - x) / 2);
  return `M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`;
}
