// One choice: what was asked, what was picked or came nearest, every candidate, and the way to publish the pick.
import { useEffect, useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me } from '../api/client.ts';
import { useCell } from '../parts/cell.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Problem, useForm } from '../parts/form.tsx';
import { Icon } from '../parts/icons.tsx';
import { Strip, useLineage } from '../parts/lineage.tsx';
import { allows } from '../parts/rights.ts';
import { sentence, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';
import { copyLink } from '../shell/keys.ts';
import { toast } from '../shell/toasts.tsx';
import { Candidates, type Ledger } from './ledger/candidates.tsx';
import { Budgets } from './model/card.tsx';

export default function LedgerPage({ digest }: { digest: string }) {
  const ledger = useAnswer('GET /ledgers/{digest}', { path: { digest } });
  const short = digest.slice(0, 12);
  useEffect(() => void (document.title = `Ledger ${short} · AI Mass`), [digest]);
  return <div class="page">{!ledger.value && <h1 class="unseen">Ledger {short}</h1>}<Shown of={ledger} what={`The ledger ${short}`} lines={10}>{(ledger) => <Whole of={ledger} />}</Shown></div>;
}

function Whole({ of: ledger }: { of: Ledger }) {
  return (
    <>
      <Head of={ledger} />
      {!ledger.pick && (
        <section class="wrong" aria-label="Why nothing was picked"><State of="missed" />
          <div><p><b>{sentence(ledger.binding || 'no candidate keeps every budget')}</b></p>
            {ledger.nearest.map((one) => <p key={one.candidate}>{sentence(one.summary)}</p>)}</div></section>
      )}
      <Budgets of={ledger} />
      <div class="after"><Candidates of={ledger} /></div>
    </>
  );
}

function Head({ of: ledger }: { of: Ledger }) {
  const may = allows(useCell(me), 'models.change');
  const [asked, ask] = useState(false);
  const lineage = useLineage(ledger.digest);
  return (
    <header class="object">
      <p class="crumbs"><a href="#/ledgers">Ledgers</a> <span aria-hidden="true">/</span> <code>{ledger.digest.slice(0, 12)}</code></p>
      <div class="title">
        <h1>{ledger.pick ?? 'Nothing was picked'} <span class="muted">for {String(ledger.asked['target'] ?? ledger.task)}</span></h1><State of={ledger.pick ? 'met' : 'missed'} />
        <span class="space" />
        <button type="button" class="quiet" onClick={copyLink}><Icon name="link" /> Copy link</button>
        {ledger.pick && <button type="button" class="primary" disabled={!may} title={may ? '' : 'Needs the permission models.change'} onClick={() => ask(true)}>Publish pick</button>}
      </div>
      <dl class="facts" aria-label="In short">
        <div><dt>Chosen</dt><dd><Ago at={ledger.created} /></dd></div>
        {ledger.run && <div><dt>By</dt><dd><a href={`#/runs/${ledger.run}`}>run {ledger.run}</a></dd></div>}
        <div><dt>Metric</dt><dd>{ledger.metric}</dd></div>
        <div><dt>Prefers</dt><dd>{String(ledger.asked['prefer'] ?? 'quality')}</dd></div>
        <div><dt>Clients</dt><dd>{String(ledger.asked['clients'] ?? '–')}</dd></div>
        <div><dt>Published as</dt><dd>{ledger.versions.length ? ledger.versions.map((one) => <a key={`${one.name}@${one.number}`} class="tag" href={`#/models/${encodeURIComponent(one.name)}/${one.number}`}>{one.name}@{one.number}</a>) : 'nothing'}</dd></div>
      </dl>
      {lineage.value && <Strip of={lineage.value} />}
      {asked && <Publish of={ledger} close={() => ask(false)} />}
    </header>
  );
}

function Publish({ of: ledger, close }: { of: Ledger; close: () => void }) {
  const form = useForm(async ({ name = '', alias = '' }) => {
    const job = await call('POST /ledgers/{digest}/publish', { path: { digest: ledger.digest }, body: { name, alias } });
    close();
    toast(`Job ${job.id} publishes ${ledger.pick} as ${name}`);
    location.hash = `#/jobs?job=${job.id}`;
  });
  const known = ledger.versions[0]?.name ?? '';
  return (
    <Dialog label="Publish pick" kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>Publish {ledger.pick}</h2>
        <p>Its gates are asked once more; if they let it pass it becomes the next version of the name, and the alias moves to it: who asks for the alias is answered by it within seconds.</p>
        <div class="field"><label for="name">Name</label><input id="name" name="name" required defaultValue={known} spellcheck={false} autocapitalize="none" autocomplete="off" autofocus /><small class="muted">Small letters, digits and . _ -</small></div>
        <div class="field"><label for="alias">Alias</label><input id="alias" name="alias" required defaultValue="champion" spellcheck={false} autocapitalize="none" autocomplete="off" /></div>
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="primary" disabled={form.busy}>Publish</button><button type="button" onClick={close}>Not now</button></p>
      </form>
    </Dialog>
  );
}
