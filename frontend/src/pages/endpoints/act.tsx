// Before versions change: what is chosen, what it would do in numbers, then the deed; afterwards undo.
import { useEffect, useState } from 'preact/hooks';
import { call, Refusal } from '../../api/client.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Problem } from '../../parts/form.tsx';
import { Figure } from '../../parts/figure.tsx';
import { number } from '../../parts/format.ts';
import { useClock } from '../../parts/times.tsx';
import { toast } from '../../shell/toasts.tsx';
import { Ms } from './figures.tsx';
import { tokenOf } from './split.tsx';
import { backTo, effects, newest, share, split, verb, type Act, type Effect, type Endpoint } from './words.ts';

export type Deed = 'publish' | 'share' | 'promote' | 'rollback' | 'unshadow';
export const DEEDS: Deed[] = ['publish', 'share', 'promote', 'rollback', 'unshadow'];
type Way = 'canary' | 'serve' | 'shadow';

const FIRST = 0.1; // of the requests, for a version that begins
const REST = 120; // milliseconds that a slider rests before the preview is asked for

interface Props {
  deed: Deed;
  of: Endpoint;
  version?: string; // chosen already
  close: () => void;
  again: () => void;
}

export function ActDialog({ deed, of: endpoint, version, close, again }: Props) {
  const [way, setWay] = useState<Way>(endpoint.stable ? 'canary' : 'serve');
  const [word, choose] = useState(deed === 'share' ? endpoint.canary : version || newest(endpoint) || endpoint.versions.find((one) => !one.share)?.version || endpoint.versions[0]!.version);
  const [part, setPart] = useState(deed === 'share' ? endpoint.shares[endpoint.canary] ?? FIRST : FIRST);
  const act = actOf(deed, way, word, part);
  const { effect, refusal } = usePreview(endpoint.name, act);
  const { busy, problem, go } = useAct(endpoint, act, again, close);
  const title = { publish: `Publish a version of ${endpoint.name}`, share: `Share of v${word}`, promote: `Give all requests to v${endpoint.canary}?`, rollback: `Roll back ${endpoint.name} to v${backTo(endpoint) ?? '?'}?`, unshadow: `End the shadow of ${endpoint.name}?` }[deed];
  return (
    <Dialog label={title} kind="ask act" close={close}>
      <form onSubmit={(event) => { event.preventDefault(); go(); }}>
        <h2>{title}</h2>
        {deed === 'publish' && <Choice endpoint={endpoint} word={word} choose={choose} way={way} setWay={setWay} />}
        {(deed === 'share' || (deed === 'publish' && way === 'canary' && endpoint.stable)) && <ShareField part={part} set={setPart} />}
        <Preview effect={effect} act={act} endpoint={endpoint} />
        <Problem refusal={problem ?? refusal} />
        <p class="row"><button type="submit" class="primary" disabled={busy || !effect || effect.nothing}>{busy ? <Busy /> : verb(act, endpoint)}</button>
          <button type="button" onClick={close} autofocus={deed !== 'publish' && deed !== 'share'}>{busy ? 'Go on in the background' : 'Leave it as it is'}</button></p>
      </form>
    </Dialog>
  );
}

function actOf(deed: Deed, way: Way, word: string, part: number): Act {
  if (deed === 'rollback' || deed === 'promote') return { verb: deed };
  if (deed === 'unshadow') return { verb: 'shadow', version: '' };
  if (deed === 'share' || way === 'canary') return { verb: 'canary', version: word, share: part };
  return { verb: way, version: word };
}

interface ChoiceProps {
  endpoint: Endpoint;
  word: string;
  choose: (version: string) => void;
  way: Way;
  setWay: (way: Way) => void;
}

function Choice({ endpoint, word, choose, way, setWay }: ChoiceProps) {
  const ways: Array<[Way, string, string]> = [['canary', 'To a share first', 'A canary: the rest stays where it is.'], ['serve', 'To all at once', 'The version before stays loaded until this one has proved itself.'], ['shadow', 'To nobody yet', 'A shadow: it gets copies, and its answers are compared.']];
  return (
    <>
      <label class="field"><span>Version</span>
        <select value={word} onChange={(event) => choose(event.currentTarget.value)}>
          {endpoint.versions.map((one) => <option key={one.version} value={one.version}>v{one.version}{one.champion ? ', champion' : ''}{one.share ? `, has ${share(one.share)}` : ''}{one.state === 'refused' ? ', was refused' : ''}</option>)}
        </select></label>
      {endpoint.stable && (
        <fieldset class="field"><legend>How</legend>
          <div class="ways">{ways.map(([key, name]) => <label key={key} class="check"><input type="radio" name="way" checked={way === key} onChange={() => setWay(key)} /> {name}</label>)}</div>
          <small class="muted">{ways.find(([key]) => key === way)?.[2]}</small>
        </fieldset>
      )}
    </>
  );
}

function ShareField({ part, set }: { part: number; set: (part: number) => void }) {
  const [text, write] = useState(String(Math.round(1000 * part) / 10));
  const say = (value: string) => {
    write(value);
    const given = Number(value);
    if (value.trim() !== '' && given >= 0 && given <= 100) set(given / 100);
  };
  return (
    <div class="field"><label for="share">Share of the requests</label>
      <span class="share-of"><input type="range" aria-label="Share of the requests, by hand" min="0" max="100" step="1" value={100 * part} onInput={(event) => say(event.currentTarget.value)} />
        <input id="share" class="figure" inputMode="decimal" value={text} onInput={(event) => say(event.currentTarget.value)} /> %</span>
    </div>
  );
}

function Preview({ effect, act, endpoint }: { effect: Effect | undefined; act: Act; endpoint: Endpoint }) {
  if (!effect) return <div class="preview" aria-busy="true" />;
  const measured = [...new Set(effect.versions.flatMap((one) => Object.keys(one.measured)))].slice(0, 2);
  return (
    <div class="preview" role="status" aria-label="What it would do">
      <div class="scroll" tabIndex={0} role="region" aria-label="Versions as they are and would be"><table class="plain boxed">
        <thead><tr><th scope="col">Version</th><th scope="col" class="right">Requests</th><th scope="col" class="right">a minute</th><th scope="col" class="right">p99 now, ms</th><th scope="col" class="right">Errors</th>{measured.map((name) => <th key={name} scope="col" class="right" title="measured before it was published"><span class="muted">ledger</span> {name}</th>)}<th scope="col" class="right">Size, kB</th></tr></thead>
        <tbody>{effect.versions.map((one) => (
          <tr key={one.version}>
            <th scope="row"><i class={`key ${tokenOf(one.version)}`} aria-hidden="true" /> <b>v{one.version}</b></th>
            <td class="right figure"><Change from={share(one.share)} to={share(one.then)} /></td>
            <td class="right figure"><Change from={number(one.per_minute, 3)} to={number(one.then_per_minute, 3)} /></td>
            <td class="right">{one.p99_ms === null ? <span class="muted">–</span> : <Ms value={one.p99_ms} />}</td>
            <td class="right figure">{one.error_share === null ? <span class="muted">–</span> : share(one.error_share)}</td>
            {measured.map((name) => <td key={name} class="right"><Figure value={one.measured[name]} /></td>)}
            <td class="right">{one.bytes === null ? <span class="muted">–</span> : <Figure value={one.bytes / 1000} />}</td>
          </tr>
        ))}</tbody></table></div>
      <ul class="said-of">{effects(act, effect, endpoint).map((sentence) => <li key={sentence}>{sentence}</li>)}</ul>
    </div>
  );
}

function Change({ from, to }: { from: string; to: string }) {
  return from === to ? <>{to}</> : <><span class="muted">{from} →</span> <b>{to}</b></>;
}

function Busy() {
  const [since] = useState(Date.now());
  useClock(1000);
  return <>Being done… {Math.round((Date.now() - since) / 1000)} s</>;
}

function usePreview(name: string, act: Act): { effect: Effect | undefined; refusal: Refusal | undefined } {
  const [state, set] = useState<{ key: string; effect?: Effect; refusal?: Refusal }>({ key: '' });
  const key = JSON.stringify(act);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => call('POST /endpoints/{name}/preview', { path: { name }, body: act }, stop.signal)
      .then((effect) => set({ key, effect }), (refusal) => stop.signal.aborted || set({ key, refusal })), state.key ? REST : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [name, key]);
  return { effect: state.effect, refusal: state.key === key ? state.refusal : undefined };
}

/** The deed goes on when its dialog is closed; its end is told wherever the reader is by then. */
function useAct(endpoint: Endpoint, act: Act, again: () => void, done: () => void) {
  const [busy, work] = useState(false);
  const [problem, refuse] = useState<Refusal>();
  const go = () => {
    if (busy) return;
    work(true);
    refuse(undefined);
    perform(endpoint.name, act, again).then(done, (problem: Refusal) => {
      work(false);
      refuse(problem);
      toast(`${endpoint.name} is as it was: ${problem.message}`, 'bad');
    });
  };
  return { busy, problem, go };
}

async function perform(name: string, act: Act, again: () => void): Promise<void> {
  const { shares, undo } = await call('POST /endpoints/{name}/act', { path: { name }, body: act });
  const back = undo && act.verb !== 'restore' ? () => void perform(name, undo, again).catch((problem: Refusal) => toast(`${name} is as it was: ${problem.message}`, 'bad')) : undefined;
  toast(`${name}: ${split(shares, '')}`, 'plain', back);
  again();
}
