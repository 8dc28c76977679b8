// Who is it, which page is it: everything hangs on these two.
import type { ComponentType } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { call, me, Refusal } from '../api/client.ts';
import { live } from '../api/live.ts';
import { useCell } from '../parts/cell.ts';
import { go, place } from '../parts/place.ts';
import { Failed, Forbidden, Loading, Stale } from '../parts/states.tsx';
import { useClock } from '../parts/times.tsx';
import { allows } from '../parts/rights.ts';
import { routeOf, type Found } from '../routes.ts';
import { Missing } from '../pages/missing.tsx';
import { SignIn } from '../pages/sign-in.tsx';
import { Welcome } from '../pages/welcome.tsx';
import { watchKeys } from './keys.ts';
import { Keys } from './keys-help.tsx';
import { Palette } from './palette.tsx';
import { Mark, Rail } from './rail.tsx';
import { Toasts } from './toasts.tsx';
import { Top } from './top.tsx';
import { Viewing } from './view.tsx';

const RETRY = 2000; // milliseconds
me.watch((who) => (who ? live.start() : live.stop())); // before the first page asks whether the line is coming

export function App() {
  const who = useCell(me);
  const { path } = useCell(place);
  const [refusal, refuse] = useState<Refusal>();
  const ask = () => call('GET /me').then((answer) => {
    me.value = answer;
    refuse(undefined);
  }, (problem: Refusal) => {
    if (problem.status === 401) return void (me.value = null);
    refuse(problem);
    setTimeout(ask, RETRY);
  });
  useLayoutEffect(() => void ask(), []);
  useEffect(watchKeys, []);
  useEffect(() => {
    if (who && path === '/welcome') go('/'); // the link was used, maybe by this very browser
  }, [who, path]);
  if (path === '/welcome' && !who) return <Welcome />;
  if (who === undefined) return refusal ? <main class="alone"><Failed refusal={refusal} what="The console" again={ask} /></main> : <Coming />;
  if (who === null) return <SignIn />;
  return <Shell path={path} />;
}

/** What index.html shows before any script has run. */
function Coming() {
  return (
    <div class="shell coming">
      <nav class="rail" aria-label="Pages"><span class="brand"><Mark /><span>AI Mass</span></span></nav>
      <header class="top" />
      <main aria-busy="true"><div class="page"><Loading lines={4} /></div></main>
    </div>
  );
}

const PATIENCE = 2000; // milliseconds without a connection before values are called stale

function Shell({ path }: { path: string }) {
  const found = routeOf(path);
  const role = useCell(me)?.role;
  const link = useCell(live.link);
  useClock(link.state === 'lost' ? 1000 : null);
  const stale = link.state === 'lost' && Date.now() - link.since > PATIENCE;
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) document.getElementById('content')?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  return (
    <div class="shell">
      <a class="skip" href="#content" onClick={(event) => {
        event.preventDefault();
        document.getElementById('content')?.focus();
      }}>Skip to content</a>
      <Rail path={path} />
      <Top />
      <main id="content" tabIndex={-1} class={stale ? 'behind' : ''}>
        <Viewing />
        {stale && <Stale at={link.since} />}
        {found ? <Page key={`${found.route.path} ${role}`} found={found} /> : <Missing path={path} />}
      </main>
      <Palette />
      <Keys />
      <Toasts />
    </div>
  );
}

function Page({ found: { route, names } }: { found: Found }) {
  const who = useCell(me);
  const [page, show] = useState<{ view: ComponentType<any> }>();
  const [problem, fail] = useState<Refusal>();
  const load = () => {
    fail(undefined);
    route.page().then((file) => show({ view: file.default }), (why) => fail(new Refusal(0, {
      error: `the page was not loaded: ${why}`, to_do: 'load the console again: it may have been updated' })));
  };
  useLayoutEffect(() => {
    document.title = `${route.title} · AI Mass`;
    load();
  }, [route]);
  const instead = !allows(who, route.needs) ? <Forbidden what={route.title} refusal={new Refusal(403, { permission: route.needs })} />
    : problem && <Failed refusal={problem} what={route.title} again={() => location.reload()} />;
  if (instead) return <div class="page"><h1 class="unseen">{route.title}</h1>{instead}</div>;
  if (!page) return <div class="page"><Loading what={`Loading ${route.title}`} /></div>;
  return <page.view key={Object.values(names).join()} {...names} />;
}
