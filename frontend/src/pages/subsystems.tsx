// Each process and store of this workspace, and the machine they share: state, since when, what it uses, started anew.
import { useState } from 'preact/hooks';
import { useAnswer } from '../api/answer.ts';
import { call, me } from '../api/client.ts';
import type { Calls } from '../api/schema.ts';
import { useCell } from '../parts/cell.ts';
import { Dialog } from '../parts/dialog.tsx';
import { useEvery } from '../parts/every.ts';
import { Problem, useForm } from '../parts/form.tsx';
import { number } from '../parts/format.ts';
import { allows } from '../parts/rights.ts';
import { size } from '../parts/size.ts';
import { Empty, sentence, Shown } from '../parts/states.tsx';
import { State } from '../parts/state.tsx';
import { Ago } from '../parts/times.tsx';
import { toast } from '../shell/toasts.tsx';

type Answer = Calls['GET /subsystems']['answer'];
type Process = Answer['processes'][number];
const EVERY = 3000; // milliseconds between looks

export default function SubsystemsPage() {
  const answer = useAnswer('GET /subsystems');
  const [asked, ask] = useState<Process>();
  const may = allows(useCell(me), 'subsystems.restart') && Boolean(answer.value?.kept);
  useEvery(EVERY, answer.again);
  return (
    <div class="page subsystems">
      <header class="head"><h1>Subsystems</h1><p class="muted" role="status">{answer.value ? said(answer.value.processes) : ''}</p></header>
      <Shown of={answer} what="The list of subsystems" lines={10}>{({ processes, stores, machine }) => (
        <>
          <Machine of={machine} />
          <h2>Processes</h2>
          {processes.length ? <Processes rows={processes} ask={may ? ask : undefined} /> : <Empty title="Nobody keeps processes here" command="aimass up">This console was started by itself: no worker of jobs and no server of predictions is beside it.</Empty>}
          <h2>What they stand on</h2>
          <Stores rows={stores} />
        </>
      )}</Shown>
      {asked && <Restart process={asked} close={() => ask(undefined)} again={answer.again} />}
    </div>
  );
}

function said(processes: Process[]): string {
  const ready = processes.filter((one) => one.state === 'ready').length;
  return processes.length ? `${ready} of ${processes.length} processes ready` : '';
}

function Machine({ of: machine }: { of: Answer['machine'] }) {
  return (
    <section class="meters" aria-label="This machine">
      <div><h2>{machine.name}</h2><p class="muted small">{machine.system}, {machine.cores} cores</p></div>
      <Meter title="CPU" part={machine.cpu} whole={1} words={machine.cpu === null ? 'a moment' : `${Math.round(machine.cpu * 100)} % of ${machine.cores} cores`} more={`load ${machine.load.map((one) => one.toFixed(2)).join(', ')}`} />
      <Meter title="Memory" part={machine.memory_used} whole={machine.memory} words={`${size(machine.memory_used)} of ${size(machine.memory)}`} />
      <Meter title="Disk" part={machine.disk_used} whole={machine.disk} words={`${size(machine.disk_used)} of ${size(machine.disk)}`} more={`${size(machine.disk - machine.disk_used)} free`} />
    </section>
  );
}

function Meter({ title, part, whole, words, more }: { title: string; part: number | null; whole: number | null; words: string; more?: string }) {
  const share = part !== null && whole ? Math.min(1, part / whole) : 0;
  return (
    <div class={`meter${share > 0.9 ? ' tight' : ''}`}>
      <p><span class="muted">{title}</span> <b class="figure">{words}</b></p>
      <div class="track" role="meter" aria-label={title} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)} aria-valuetext={words}><i style={{ width: `${share * 100}%` }} /></div>
      <p class="muted small">{more ?? ' '}</p>
    </div>
  );
}

function Processes({ rows, ask }: { rows: Process[]; ask: ((one: Process) => void) | undefined }) {
  return (
    <div class="scroll"><table class="plain boxed">
      <thead><tr><th scope="col">Process</th><th scope="col">State</th><th scope="col">Since</th><th scope="col">What it does</th><th scope="col" class="right">Restarts</th><th scope="col" class="right">CPU, cores</th><th scope="col" class="right">Memory</th><th scope="col">Version</th><th scope="col"><span class="unseen">Deeds</span></th></tr></thead>
      <tbody>{rows.map((one) => (
        <tr key={one.name}>
          <th scope="row" class="whole" title={one.pid ? `process ${one.pid}` : undefined}><b>{one.name}</b></th>
          <td><State of={one.state} /></td>
          <td class="whole"><Ago at={one.since} /></td>
          <td class="does">{does(one)}{one.why && one.restarts > 0 && <><br /><span class="small warning">{sentence(`It ${one.why} the last time`)}</span></>}</td>
          <td class="right figure">{one.restarts}</td>
          <td class="right figure">{one.cpu === null ? <span class="muted">–</span> : one.cpu.toFixed(2)}</td>
          <td class="right whole figure">{size(one.memory)}</td>
          <td>{one.version || <span class="muted">–</span>}</td>
          <td class="right deeds"><a class="button" href={`#/logs?of=${family(one.name)}`}>Log</a>{ask && one.name !== 'up' && <button type="button" aria-label={`Restart ${one.name}`} onClick={() => ask(one)}>Restart</button>}</td>
        </tr>
      ))}</tbody>
    </table></div>
  );
}

const family = (name: string): string => (name.startsWith('jobs-') ? 'workers' : name);

function does(one: Process) {
  if (one.name === 'up') return 'keeps the others; all together';
  if (one.job) return <>carries out <a href={`#/jobs?job=${one.job}`}>job {one.job}</a></>;
  if (one.name.startsWith('jobs-')) return 'waits for a job';
  return one.url ? <>answers at <code>{one.url}</code></> : <span class="muted">–</span>;
}

function Stores({ rows }: { rows: Answer['stores'] }) {
  return (
    <div class="scroll"><table class="plain boxed">
      <thead><tr><th scope="col">Store</th><th scope="col">State</th><th scope="col">What it is</th><th scope="col">Where</th><th scope="col" class="right">Size</th><th scope="col" class="right">Answers in, ms</th></tr></thead>
      <tbody>{rows.map((one) => (
        <tr key={one.name}>
          <th scope="row" class="whole"><b>{one.name}</b></th><td><State of={one.state} /></td><td>{one.reason}</td>
          <td class="muted"><code>{one.where || '–'}</code></td><td class="right whole figure">{size(one.bytes)}</td>
          <td class="right figure">{one.answer_ms === null ? <span class="muted">–</span> : number(one.answer_ms, 3)}</td>
        </tr>
      ))}</tbody>
    </table></div>
  );
}

function Restart({ process, close, again }: { process: Process; close: () => void; again: () => void }) {
  const form = useForm(async () => {
    await call('POST /subsystems/{name}/restart', { path: { name: process.name } });
    toast(`${process.name} is started anew`);
    close();
    again();
  });
  return (
    <Dialog label={`Restart ${process.name}`} kind="ask" close={close}>
      <form onSubmit={form.submit}>
        <h2>Restart {process.name}?</h2>
        <p>{effect(process)}</p>
        <Problem refusal={form.refusal} />
        <p class="row"><button type="submit" class="primary" disabled={form.busy} autofocus>Restart {process.name}</button><button type="button" onClick={close}>Leave it</button></p>
      </form>
    </Dialog>
  );
}

function effect({ name, job }: Process): string {
  if (name === 'console') return 'Requests under way are answered. Pages wait for a second or two, then go on where they were; nobody is signed out.';
  if (name === 'inference') return 'Requests under way are answered. For some seconds nobody answers at its address; then the same versions and parameters are there again.';
  if (job) return `Job ${job} stops at its next report, keeps its checkpoint, and goes on with the next worker that is free.`;
  return 'It has no job just now: nothing waits for it.';
}
