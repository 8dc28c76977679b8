// What all processes, jobs and runs say, as one stream: filtered by the address, followed, saved, each line with a link.
import { useState } from 'preact/hooks';
import { base } from '../api/client.ts';
import { listed } from '../parts/address.ts';
import { absolute, clock, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { LEVELS } from '../parts/level.ts';
import { Log } from '../parts/log.tsx';
import { useQuery } from '../parts/place.ts';
import { Empty, Failed, Forbidden, Loading, Stale } from '../parts/states.tsx';
import { useStream, type Said } from './logs/stream.ts';

const FAMILIES = ['console', 'inference', 'workers', 'up', 'jobs', 'runs'];

export default function LogsPage() {
  const [of, choose] = useQuery('of');
  const [level, setLevel] = useQuery('level');
  const [text, find] = useQuery('find');
  const [line, mark] = useQuery('line');
  const [follow, setFollow] = useState(!line);
  const stream = useStream({ of, level, text, line });
  const { lines, refusal } = stream;
  const chosen = listed(of);
  const toggle = (family: string) => choose((chosen.includes(family) ? chosen.filter((one) => one !== family) : [...chosen, family]).join(','));
  const saved = `${base}/log/text?${new URLSearchParams(Object.entries({ of, level, text }).filter(([, value]) => value))}`;
  const head = ({ id, time, run, key }: Said) => (
    <>
      <button type="button" class="no" title={`${absolute(time)}: link to this line`} aria-label={`Link to line ${id}`} onClick={() => mark(id)}>{clock(time)}</button>
      {run ? <a class="key" href={`#/runs/${run}?tab=logs`}>run {run}</a> : <span class="key">{key}</span>}
    </>
  );
  return (
    <div class="page full stream">
      <header class="head"><h1>Logs</h1><p class="muted" role="status">{lines ? `${plural(lines.length, 'line')} here${stream.more ? ', more above' : ''}` : ''}</p></header>
      <div class="bar">
        <label class="search"><Icon name="search" /><input type="search" aria-label="Search the logs" placeholder="Search the logs" value={text} spellcheck={false} onInput={(event) => find(event.currentTarget.value)} /></label>
        <select aria-label="Level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>{LEVELS.map(([key, title]) => <option key={key} value={key}>{title}</option>)}</select>
        <div class="chips" role="group" aria-label="Whose">{FAMILIES.map((family) => <button key={family} type="button" class="chip" aria-pressed={chosen.includes(family)} onClick={() => toggle(family)}>{family}</button>)}</div>
        <span class="space" />
        <label class="check"><input type="checkbox" checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} /> Follow</label>
        <a class="button quiet" href={saved} download="aimass.log"><Icon name="save" /> Save all</a>
      </div>
      {refusal?.status === 403 ? <Forbidden refusal={refusal} what="The log" /> : refusal && !lines ? <Failed refusal={refusal} what="The log" again={stream.again} /> : !lines ? <Loading lines={14} />
        : lines.length ? (
          <>
            {refusal && <Stale at={stream.at} />}
            <Log title="Lines of the logs" lines={lines} follow={follow} stray={() => setFollow(false)} mark={line} head={head} above={stream.above} />
          </>
        ) : stream.more ? <Empty title="None of the newest lines is like that"><button type="button" onClick={stream.above}>Look at older ones</button></Empty>
          : <Empty title={text || level || of ? 'No line is like that' : 'Nobody has said anything yet'}>{!text && 'What processes of aimass up, jobs and runs say stands here, as soon as they say it.'}</Empty>}
    </div>
  );
}
