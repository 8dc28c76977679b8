// How curves are drawn: smoothing, axes, zoom.  All of it is in the address, one for all charts of a page.
import { adjust, recall, useQuery } from '../parts/place.ts';
import type { Looks } from './plot.ts';

export const zoom = (low: number | null, high: number | null) => adjust({ low: low === null ? '' : String(low), high: high === null ? '' : String(high) });

/** A number of the address, or null: whoever wrote the address may have written anything. */
const finite = (text: string): number | null => (text !== '' && Number.isFinite(Number(text)) ? Number(text) : null);

/** Zooms into a span of time, and lets all other curves of the page be over time, too. */
export const zoomTime = (low: number | null, high: number | null) => adjust({ x: low === null ? '' : 'time', low: low === null ? '' : String(low), high: high === null ? '' : String(high) });

/** How curves over XNAME (or time) are drawn, and what changes it; without XNAME they are over time alone. */
export function useLooks(xName: string | null): { looks: Looks; controls: preact.JSX.Element } {
  const [smoothing, setSmoothing] = useQuery('smooth', recall('aimass.smooth') ?? '0');
  const [x, setX] = useQuery('x', 'at');
  const [log, setLog] = useQuery('log');
  const [envelope, setEnvelope] = useQuery('envelope', 'on');
  const [low] = useQuery('low');
  const [high] = useQuery('high');
  const time = x === 'time' || xName === null;
  const weight = Math.min(0.99, Math.max(0, finite(smoothing) ?? 0));
  const span = time === (x === 'time') ? { low: finite(low), high: finite(high) } : { low: null, high: null }; // positions are no times
  const looks = { smoothing: weight, log: log === 'y', envelope: envelope === 'on', time, xTitle: time ? 'time' : xName ?? '', yTitle: '', ...(span.low !== null && span.high !== null && span.low < span.high ? span : { low: null, high: null }) };
  const controls = (
    <div class="bar looks" role="group" aria-label="How curves are drawn">
      <label class="range">Smoothing <input type="range" min="0" max="0.99" step="0.01" value={weight} onInput={(event) => setSmoothing(event.currentTarget.value)} /><output class="figure">{weight.toFixed(2)}</output></label>
      {xName !== null && <label>x <select value={x} onChange={(event) => { zoom(null, null); setX(event.currentTarget.value); }}><option value="at">{xName}</option><option value="time">time</option></select></label>}
      <label class="check"><input type="checkbox" checked={log === 'y'} onChange={(event) => setLog(event.currentTarget.checked ? 'y' : '')} /> Log scale</label>
      <label class="check"><input type="checkbox" checked={envelope === 'on'} onChange={(event) => setEnvelope(event.currentTarget.checked ? 'on' : 'off')} /> Least and greatest</label>
      <span class="muted small hint">Drag to zoom, double-click to see all; or keys: ← → + - 0</span>
    </div>
  );
  return { looks, controls };
}
