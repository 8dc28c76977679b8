// An archive on its way in: sent in pieces, put into the data folder when it is whole, then looked into.
import { useEffect, useState } from 'preact/hooks';
import { useAnswer } from '../../api/answer.ts';
import { call, type Refusal } from '../../api/client.ts';
import { remove, send, sendings, type Sending } from '../../api/sending.ts';
import { useCell } from '../../parts/cell.ts';
import { Problem } from '../../parts/form.tsx';
import { bytes } from '../../parts/format.ts';
import { Drop, WORDS } from '../files/intake.tsx';

const ENDING = '.aimass.zip';
type Came = (name: string) => void;

export function Bring({ came }: { came: Came }) {
  const limits = useAnswer('GET /uploads').value;
  const { all } = useCell(sendings);
  const mine = all.filter((one) => one.file.name.endsWith(ENDING));
  return (
    <section class="card bring" aria-label="Bring a project in"><h2>Bring a project in</h2>
      <p>It is looked into first, and nothing changes before you say so. Its releases are then measured on this machine.</p>
      <Drop words="Choose an archive" them="it" disabled={!limits} take={(files) => send(files, limits!.piece)} hint={limits ? `A file of aimass export (${ENDING}), at most ${bytes(limits.largest)}` : ''} />
      {mine.map((one) => <OnItsWay key={`${one.chosen} ${one.file.size} ${one.file.name}`} of={one} came={came} />)}
    </section>
  );
}

function OnItsWay({ of: one, came }: { of: Sending; came: Came }) {
  const [refusal, refuse] = useState<Refusal>();
  const take = (replace: boolean) => void call('POST /uploads/{id}/take', { path: { id: one.upload!.id }, body: { name: '', sha256: one.sha256, replace } }).then((file) => {
    remove(one);
    came(file.name);
  }, refuse);
  useEffect(() => {
    if (one.state === 'whole') take(false);
  }, [one.state]);
  return (
    <div class="on-its-way">
      <p><b>{one.file.name}</b> <span class="muted figure">{bytes(one.sent)} of {bytes(one.file.size)}{WORDS[one.state] && ` · ${WORDS[one.state]}`}</span></p>
      <progress value={one.sent} max={Math.max(one.file.size, 1)} aria-label={`How much of ${one.file.name} has come`} />
      <Problem refusal={one.refusal ?? refusal} />
      <p class="row">
        {one.state === 'failed' && <button type="button" onClick={() => one.queue()}>Try again</button>}
        {refusal?.status === 409 && refusal.fact('key') === 'name' && <button type="button" onClick={() => take(true)}>Replace {one.file.name}</button>}
        <button type="button" onClick={() => void one.drop()}>Discard</button>
      </p>
    </div>
  );
}
