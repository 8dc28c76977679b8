// Files on their way in: chosen or dropped, sent in pieces, looked at, then taken or not.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { call, type Refusal } from '../../api/client.ts';
import { ours, remove, send, sendings, type Sending, type Upload } from '../../api/sending.ts';
import { useCell } from '../../parts/cell.ts';
import { Problem } from '../../parts/form.tsx';
import { bytes, seconds } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { Ago, useClock } from '../../parts/times.tsx';
import { toast } from '../../shell/toasts.tsx';
import { Looked } from './look.tsx';

type Taken = (name: string) => void;

export function Intake({ taken }: { taken: Taken }) {
  const open = useAnswer('GET /uploads');
  const { all } = useCell(sendings);
  const limits = open.value;
  const waiting = limits?.rows.filter((row) => !ours.has(row.id)) ?? [];
  const whole = all.filter((one) => one.state === 'whole').length;
  useEffect(open.again, [all.length, whole]);
  return (
    <section class="intake" aria-label="Bring files">
      <Drop disabled={!limits} take={(files) => send(files, limits!.piece)} hint={limits ? `CSV, TSV, JSON Lines or Parquet, packed or not; at most ${bytes(limits.largest)} each` : ''} />
      <ul class="lines coming-in">
        {all.map((one) => <OnItsWay key={`${one.chosen} ${one.file.size} ${one.file.name}`} of={one} taken={taken} />)}
        {waiting.map((row) => <Waiting key={row.id} of={row} taken={(name) => { open.again(); taken(name); }} again={open.again} />)}
      </ul>
    </section>
  );
}

export function Drop({ take, hint, disabled, words = 'Choose files', them = 'them' }: { take: (files: FileList) => void; hint: string; disabled: boolean; words?: string; them?: string }) {
  const [over, hover] = useState(false);
  return (
    <label class={`drop${over ? ' over' : ''}`} onDragOver={(event) => { event.preventDefault(); hover(true); }} onDragLeave={() => hover(false)}
      onDrop={(event) => { event.preventDefault(); hover(false); if (!disabled && event.dataTransfer?.files.length) take(event.dataTransfer.files); }}>
      <Icon name="upload" />
      <span><b>{words}</b> or drop {them} here<br /><span class="muted small">{hint}</span></span>
      <input type="file" multiple aria-label={words} class="unseen" disabled={disabled} onChange={(event) => {
        if (!disabled) take(event.currentTarget.files!);
        event.currentTarget.value = ''; // so that the same file can be chosen again
      }} />
    </label>
  );
}

export const WORDS = { queued: 'waits for its turn', full: 'waits until another one is used or discarded: no more may be open', sending: '', paused: 'paused', waiting: 'no answer, trying again', whole: 'all of it has come', failed: 'stopped' };

function OnItsWay({ of: one, taken }: { of: Sending; taken: Taken }) {
  useClock(one.state === 'sending' ? 1000 : null);
  if (one.state === 'whole') return <li class="whole"><Whole upload={one.upload!} sha256={one.sha256} taken={(name) => { remove(one); taken(name); }} drop={() => void one.drop()} /></li>;
  const spent = (Date.now() - one.since) / 1000;
  const rate = (one.sent - one.from) / Math.max(spent, 0.1);
  const left = rate && one.state === 'sending' ? ` · ${bytes(rate)}/s · about ${seconds((one.file.size - one.sent) / rate)} left` : '';
  return (
    <li>
      <p><b>{one.file.name}</b><br /><span class="muted small figure">{bytes(one.sent)} of {bytes(one.file.size)}{left}{WORDS[one.state] && ` · ${WORDS[one.state]}`}</span></p>
      <progress value={one.sent} max={Math.max(one.file.size, 1)} aria-label={`How much of ${one.file.name} has come`} />
      <span class="row">
        {one.state === 'sending' && <button type="button" onClick={() => one.pause()}>Pause</button>}
        {(one.state === 'paused' || one.state === 'failed') && <button type="button" onClick={() => one.queue()}>{one.state === 'paused' ? 'Go on' : 'Try again'}</button>}
        <button type="button" class="quiet" aria-label={`Drop ${one.file.name}`} onClick={() => void one.drop()}><Icon name="close" /></button>
      </span>
      {one.refusal && <Problem refusal={one.refusal} />}
    </li>
  );
}

/** What an earlier visit began. */
function Waiting({ of: row, taken, again }: { of: Upload; taken: Taken; again: () => void }) {
  const drop = () => void call('DELETE /uploads/{id}', { path: { id: row.id } }).then(again, (problem: Refusal) => toast(problem.message, 'bad'));
  if (row.received === row.size) return <li class="whole"><Whole upload={row} sha256="" taken={taken} drop={drop} /></li>;
  return (
    <li>
      <p><b>{row.name}</b><br /><span class="muted small figure">{bytes(row.received)} of {bytes(row.size)} came, the last <Ago at={row.touched} />: choose the same file to go on</span></p>
      <progress value={row.received} max={row.size} aria-label={`How much of ${row.name} has come`} />
      <span class="row"><button type="button" class="quiet" aria-label={`Drop ${row.name}`} onClick={drop}><Icon name="close" /></button></span>
    </li>
  );
}

/** It is all here: what it holds, then into the data folder or away. */
function Whole({ upload, sha256, taken, drop }: { upload: Upload; sha256: string; taken: Taken; drop: () => void }) {
  const look = useAnswer('GET /uploads/{id}/look', { path: { id: upload.id } });
  const [name, rename] = useState(upload.name);
  const [refusal, refuse] = useState<Refusal>();
  const there = refusal?.status === 409 && refusal.fact('key') === 'name';
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), []);
  const take = (replace: boolean) => {
    refuse(undefined);
    call('POST /uploads/{id}/take', { path: { id: upload.id }, body: { name, sha256, replace } }).then((file) => {
      toast(`${file.name} is in the data folder`);
      taken(file.name);
    }, refuse);
  };
  return (
    <div ref={box} class="taking">
      <Looked title={upload.name} of={look}>
        {there && <button type="button" onClick={() => take(true)}>Replace {name}</button>}
        <button type="button" class={look.value ? 'primary' : ''} onClick={() => take(false)}>Use this file</button>
        <button type="button" onClick={drop}>Discard</button>
      </Looked>
      <p class="digest-line muted small">{bytes(upload.size)} · SHA-256 <code>{look.value?.sha256 ?? sha256}</code>{sha256 && look.value?.sha256 === sha256 && <span class="good"> ✓ as it was sent</span>}</p>
      <Problem refusal={refusal} />
      {(refusal || name !== upload.name) && <label class="field inline"><span>Call it</span><input value={name} spellcheck={false} onInput={(event) => rename(event.currentTarget.value)} /></label>}
    </div>
  );
}
