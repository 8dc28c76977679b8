// A chart with what every chart has: legend with the values under the cross-hair, table, CSV, picture, count of points.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { useCell } from '../parts/cell.ts';
import { Csv } from '../parts/csv-button.tsx';
import { download } from '../parts/download.ts';
import { absolute, number, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { scheme } from '../shell/theme.ts';
import { colour, seriesToken } from './colours.ts';
import { useKeys, type Zoom } from './keys.ts';
import { columns, draw, type Looks } from './plot.ts';
import { csv, isDense, isThinned, type Line } from './points.ts';
import { PointsTable } from './table.tsx';

interface Props {
  title: string;
  lines: Line[];
  looks: Looks;
  zoom: Zoom;
  height?: number;
}

export function Chart({ title, lines, looks, zoom, height = 220 }: Props) {
  const [asTable, turn] = useState(false);
  const plot = useRef<uPlot | null>(null);
  const keys = useKeys(plot, zoom, looks.low === null ? lines : null);
  const { box, under } = usePlot(lines, looks, { zoom, ready: keys.ready }, height, plot, asTable);
  const place = under?.x === null || !under ? '' : looks.time ? absolute(under.x) : `${looks.xTitle} ${number(under.x)}`;
  const told = useMemo(() => (keys.presses && under ? `${place}: ${lines.map((line, i) => `${line.name} ${number(under.values[i])}`).join(', ')}` : ''), [keys.presses]);
  const thinned = lines.some(isThinned);
  const total = lines.reduce((sum, line) => sum + line.count, 0);
  const drawn = lines.reduce((sum, line) => sum + line.points.length, 0);
  return (
    <figure class="chart" aria-label={`${title}: ${lines.map((line) => line.name).join(', ')}`}>
      <figcaption>
        <h2>{title}</h2>
        <ul class="legend">{lines.map((line, i) => (
          <li key={line.name}><i class={`key ${seriesToken(line.colour ?? i)}`} aria-hidden="true" />{line.name}<b class="figure">{number(under ? under.values[i] : line.points.at(-1)?.[3])}</b></li>
        ))}</ul>
        <span class="tools">
          <button type="button" class="quiet" aria-pressed={asTable} title="Show as table" aria-label={`Show ${title} as table`} onClick={() => turn(!asTable)}><Icon name="table" /></button>
          <Csv of={title} name={title} text={() => csv(lines, looks.xTitle)} small />
          <button type="button" class="quiet" title="Save as picture" aria-label={`Save ${title} as picture`} disabled={asTable} onClick={() => plot.current && savePicture(title, lines, plot.current)}><Icon name="picture" /></button>
        </span>
      </figcaption>
      {asTable ? <PointsTable lines={lines} looks={looks} title={title} /> : (
        <div class="plot" ref={box} style={{ height: `${height}px` }} tabIndex={0} role="application" aria-label={`${title}: left and right read it, plus and minus zoom, 0 shows all`} {...keys.on} />
      )}
      <p class="unseen" role="status">{told}</p>
      <p class="count muted small">
        {place && `${place} · `}
        {plural(total, 'point')}{thinned && `, drawn as ${number(drawn)}${looks.envelope ? ' with their least and greatest' : ''}`}
        {looks.low !== null && <> · <button type="button" class="link" onClick={() => zoom(null, null)}>show all</button></>}
      </p>
    </figure>
  );
}

interface Under {
  values: Array<number | null>;
  x: number | null;
}

/** Keeps a plot in the box: made again when its looks change, fed when only its points do. */
function usePlot(lines: Line[], looks: Looks, hooks: { zoom: Zoom; ready: (plot: uPlot) => void }, height: number, plot: { current: uPlot | null }, off: boolean) {
  const box = useRef<HTMLDivElement>(null);
  const [under, point] = useState<Under | null>(null);
  const colours = useCell(scheme);
  const latest = useRef(hooks);
  latest.current = hooks;
  const { smoothing, envelope, ...shape } = looks;
  const fed = useRef<unknown>();
  const fill = [lines, smoothing, envelope];
  useEffect(() => {
    const root = box.current;
    if (!root || off) return;
    fed.current = fill;
    const made = draw(root, lines, looks, {
      zoom: (low, high) => latest.current.zoom(low, high),
      ready: (plot) => latest.current.ready(plot),
      point: (values, x) => point(values ? { values, x } : null),
    }, root.clientWidth || 600, height);
    plot.current = made;
    const watch = new ResizeObserver(() => root.clientWidth && root.clientWidth !== made.width && made.setSize({ width: root.clientWidth, height }));
    watch.observe(root);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [lines.map((line, i) => `${line.name} ${line.colour ?? i} ${isDense(line)}`).join('\n'), JSON.stringify(shape), height, colours, off]);
  useEffect(() => {
    if (fed.current !== fill) plot.current?.setData(columns(lines, looks)); // else it has just been made of them
  }, fill);
  return { box, under };
}

/** The canvas on the page's ground, with the title and the names that stand beside it on the page. */
function savePicture(title: string, lines: Line[], plot: uPlot): void {
  const source = plot.ctx.canvas;
  const scale = devicePixelRatio;
  const head = 28 * scale;
  const picture = Object.assign(document.createElement('canvas'), { width: source.width, height: source.height + head });
  const pen = picture.getContext('2d')!;
  pen.fillStyle = colour('ground');
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(source, 0, head);
  pen.font = `${12 * scale}px ${getComputedStyle(document.body).fontFamily}`;
  pen.fillStyle = colour('text');
  pen.fillText(title, 10 * scale, 18 * scale);
  let left = 10 * scale + pen.measureText(`${title}    `).width;
  for (const [i, line] of lines.entries()) {
    pen.fillStyle = colour(seriesToken(line.colour ?? i));
    pen.fillText(line.name, left, 18 * scale);
    left += pen.measureText(`${line.name}   `).width;
  }
  picture.toBlob((blob) => blob && download(`${title}.png`, blob));
}
