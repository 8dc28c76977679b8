// Are things well, what needs me, what runs, what was released.
import { me } from '../api/client.ts';
import { useNews } from '../api/news.ts';
import { useTopic } from '../api/topic.ts';
import type { Home, Run } from '../api/kinds.ts';
import { keyOf } from '../chart/names.ts';
import { LiveSpark } from '../chart/live-spark.tsx';
import { useCell } from '../parts/cell.ts';
import { Figure } from '../parts/figure.tsx';
import { short } from '../parts/format.ts';
import { allows } from '../parts/rights.ts';
import { useSoon } from '../parts/soon.ts';
import { Empty, sentence, Shown } from '../parts/states.tsx';
import { GOING, State } from '../parts/state.tsx';
import { Ago, Span } from '../parts/times.tsx';

const SHOWN = 8; // running ones, each with its curve

export default function HomePage() {
  const soon = useSoon(() => home.again());
  const ready = useTopic<{ changed: Run[] }>('runs', ({ changed }) => {
    const known = new Set(home.value?.running.map((run) => run.id));
    if (changed.some((run) => GOING.includes(run.state) !== known.has(run.id))) soon();
    home.change((now) => ({ ...now, running: now.running.map((run) => changed.find((fresh) => fresh.id === run.id) ?? run) }));
  }, soon);
  const home = useNews('home', 'GET /home', {}, ready);
  return (
    <div class="page home">
      <header class="head"><h1>Home</h1></header>
      <Shown of={home} what="Home" lines={8}>{(now) => (<>
        {fresh(now) && <Begin />}
        <div class="columns">
          <Centres of={now.centres} />
          <Needs of={now.needs} />
          <Running of={now.running} />
          <Releases of={now.releases} />
        </div>
      </>)}</Shown>
    </div>
  );
}

/** Whether nothing has come of the workspace yet. */
const fresh = (now: Home): boolean => !now.releases.length && !now.running.length;

function Begin() {
  if (!allows(useCell(me), 'files.change')) return null;
  return (
    <section class="card begin" aria-label="Where to begin">
      <p><b>Nothing is released yet.</b> Bring a file, say what to predict and what it may cost: what comes of it answers at an endpoint.</p>
      <a class="button primary" href="#/start">Start here</a>
    </section>
  );
}

function Centres({ of: centres }: { of: Home['centres'] }) {
  return (
    <section class="card" aria-labelledby="centres">
      <h2 id="centres">Are things well?</h2>
      <ul class="lines centres">{centres.map((centre) => (
        <li key={centre.name}>
          <State of={centre.state} /><b>{centre.name}</b>
          <p class="said">{sentence(centre.reason)}{centre.next && <span class="muted"><br />{centre.next.startsWith('aimass ') ? <code>{centre.next}</code> : sentence(centre.next)}</span>}</p>
          <span class="muted small">{centre.since && <Ago at={centre.since} />}</span>
        </li>
      ))}</ul>
    </section>
  );
}

function Needs({ of: needs }: { of: Home['needs'] }) {
  return (
    <section class="card" aria-labelledby="needs">
      <h2 id="needs">Needs you {needs.length > 0 && <span class="badge">{needs.length}</span>}</h2>
      {needs.length ? (
        <ul class="lines needs">{needs.map((need) => (
          <li key={need.what + need.href}>
            <p><b>{need.what}</b><br /><span class="muted">{sentence(need.why)}</span></p>
            {inside(need.href) ? <a class="button" href={inside(need.href)!}>{need.do}</a> : <code>{need.do}</code>}
          </li>
        ))}</ul>
      ) : <p class="calm"><span class="mark good" aria-hidden="true">✓</span> Nothing waits for you.</p>}
    </section>
  );
}

/** Only places of this console are linked. */
function inside(href: string): string | null {
  if (/^#?\/(?!\/)/.test(href)) return href.startsWith('#') ? href : `#${href}`;
  return null;
}

function Running({ of: runs }: { of: Run[] }) {
  return (
    <section class="card" aria-labelledby="running">
      <h2 id="running">Running now {runs.length > 0 && <span class="badge">{runs.length}</span>} <a class="more" href="#/runs">All runs</a></h2>
      {runs.length ? <ul class="lines running">{runs.slice(0, SHOWN).map((run) => <Going key={run.id} run={run} />)}</ul> : (
        <Empty title="No run is going" command="aimass run aimass.toml">Runs stand here while they work, with their curve.</Empty>
      )}
    </section>
  );
}

function Going({ run }: { run: Run }) {
  const key = keyOf(Object.keys(run.metrics));
  return (
    <li>
      <State of={run.state} />
      <p><a class="name" href={`#/runs/${run.id}`}>{run.label || run.step}</a><br /><span class="muted small">run {run.id} · <Span from={run.started} to={null} took={null} /></span></p>
      <span class="now">{key ? <><Figure value={run.metrics[key]} /><span class="muted small">{key}</span></> : <span class="muted small">no figure yet</span>}</span>
      {key ? <LiveSpark run={run.id} name={key} /> : <span />}
    </li>
  );
}

function Releases({ of: releases }: { of: Home['releases'] }) {
  return (
    <section class="card" aria-labelledby="releases">
      <h2 id="releases">Last releases</h2>
      {releases.length ? (
        <ul class="lines releases">{releases.map((release) => (
          <li key={`${release.name}@${release.version}`}>
            <p><a class="name" href={`#/models/${encodeURIComponent(release.name)}/${release.version}`}><b>{release.name}</b>@{release.version}</a><br /><span class="muted small"><Ago at={release.created} /> · <code title={release.digest}>{short(release.digest)}</code></span></p>
            {Object.entries(release.metrics ?? {}).slice(0, 3).map(([name, value]) => <span key={name} class="now"><Figure value={value} /><span class="muted small">{name}</span></span>)}
          </li>
        ))}</ul>
      ) : <Empty title="Nothing is released yet"><p>A model that passes its gates becomes a release; it can then be served.</p></Empty>}
    </section>
  );
}
