// The top bar: search, is it live, what runs, theme, who.
import { me } from '../api/client.ts';
import { live } from '../api/live.ts';
import { useNews } from '../api/news.ts';
import { useRunning } from '../api/running.ts';
import { useCell } from '../parts/cell.ts';
import { ago, plural } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Granted } from '../parts/roles.tsx';
import { Menu } from '../parts/menu.tsx';
import { allows } from '../parts/rights.ts';
import { useClock } from '../parts/times.tsx';
import { palette } from './keys.ts';
import { saveTables } from './tables.ts';
import { signOut } from './sign-out.ts';
import { LESSER, viewAs } from './view.tsx';
import { choose, theme, THEMES } from './theme.ts';

export function Top() {
  const who = useCell(me);
  return (
    <header class="top">
      <button type="button" class="finder" onClick={() => (palette.value = true)}><Icon name="search" /><span>Go to anything by name</span><kbd>Ctrl K</kbd></button>
      <span class="space" />
      <LiveMark />
      <Running />
      {allows(who, 'jobs.see') && <Asked />}
      <button type="button" class="quiet tables" data-saves="tables" title="Save the tables of this page as CSV (t)" aria-label="Save the tables of this page as CSV" onClick={saveTables}><Icon name="save" /></button>
      <ThemeMenu />
      {who && (
        <Menu label={`${who.user}, ${who.role}`} kind="who" face={<><span class="face" aria-hidden="true" data-letter={who.user.slice(0, 1).toUpperCase()} /><span class="name">{who.user}</span><Icon name="down" /></>}>
          <div class="menu-head" role="presentation"><b>{who.user}</b><br /><span class="muted"><Granted grants={who.grants} /></span></div>
          {LESSER[who.own_role]?.filter((role) => role !== who.role).map((role) => <button key={role} type="button" role="menuitem" onClick={() => void viewAs(role)}>See it as {role === 'viewer' ? 'a viewer' : 'an operator'}</button>)}
          {who.role !== who.own_role && <button type="button" role="menuitem" onClick={() => void viewAs(null)}>See it as yourself again</button>}
          <a class="button" role="menuitem" href="#/settings">Settings</a>
          <button type="button" role="menuitem" onClick={() => void signOut()}>Sign out</button>
        </Menu>
      )}
    </header>
  );
}

const SAID = { live: 'live', lost: 'trying again', paused: 'paused', off: 'connecting' };
const MARKS = { live: '●', lost: '◌', paused: '‖', off: '◌' };

function LiveMark() {
  const link = useCell(live.link);
  useClock(link.state === 'live' ? null : 1000);
  const hint = link.state === 'live' ? 'Figures come as they are made; press . to pause' : `${SAID[link.state]} since ${ago(link.since / 1000)}`;
  return (
    <button type="button" class={`quiet link-mark ${link.state}`} title={hint} aria-pressed={link.state === 'paused'} aria-label={`Live figures: ${SAID[link.state]}`} onClick={() => live.toggle()}>
      <span class="shape" aria-hidden="true">{MARKS[link.state]}</span><span class="word">{SAID[link.state]}</span>
    </button>
  );
}

function Running() {
  const count = useRunning();
  if (count === null) return null;
  const words = count === 1 ? '1 run going' : `${count} runs going`;
  return <a class={`chip${count ? ' busy' : ''}`} href="#/runs?state=running,stopping" title={words}><Icon name="runs" /><span class="figure">{count}<span class="word"> running</span></span></a>;
}

/** Jobs that wait or are worked on; while there is none, nothing. */
function Asked() {
  const counts = useNews('jobs', 'GET /jobs', { query: { limit: 1 } }).value?.counts ?? {};
  const waiting = counts['queued'] ?? 0;
  const working = (counts['running'] ?? 0) + (counts['cancelling'] ?? 0);
  if (!waiting && !working) return null;
  return <a class={`chip${working ? ' busy' : ''}`} href="#/jobs" title={`${plural(working, 'job')} worked on, ${waiting} waiting`}><Icon name="jobs" /><span class="figure">{working + waiting}<span class="word"> {working + waiting === 1 ? 'job' : 'jobs'}</span></span></a>;
}

function ThemeMenu() {
  const now = useCell(theme);
  return (
    <Menu label={`Theme: ${now}`} kind="theme" face={<Icon name={now} />}>
      {THEMES.map((one) => (
        <button key={one} type="button" role="menuitemradio" aria-checked={one === now} onClick={() => choose(one)}><Icon name={one} />{one.charAt(0).toUpperCase() + one.slice(1)}</button>
      ))}
    </Menu>
  );
}
