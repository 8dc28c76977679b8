// Any page, object or deed in one action.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { me } from '../api/client.ts';
import { live } from '../api/live.ts';
import { useCell } from '../parts/cell.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Icon } from '../parts/icons.tsx';
import { allows } from '../parts/rights.ts';
import { State } from '../parts/state.tsx';
import { ROUTES } from '../routes.ts';
import { finder, type Finding } from './finds.ts';
import { copyLink, help, palette } from './keys.ts';
import { signOut } from './sign-out.ts';
import { saveTables } from './tables.ts';
import { choose, THEMES } from './theme.ts';

interface Choice {
  text: string;
  icon: string;
  hint?: string;
  state?: string;
  act: () => void;
}

const REST = 150; // milliseconds without a key before anybody is asked

const DEEDS: Choice[] = [
  ...THEMES.map((theme) => ({ text: `Use the ${theme} theme`, icon: theme, act: () => choose(theme) })),
  { text: 'Pause or go on with live figures', icon: 'pause', hint: '.', act: () => live.toggle() },
  { text: 'Copy a link to what you see', icon: 'link', hint: 'c', act: copyLink },
  { text: 'Save the tables of this page as CSV', icon: 'save', hint: 't', act: saveTables },
  { text: 'Show the keys', icon: 'more', hint: '?', act: () => (help.value = true) },
  { text: 'Sign out', icon: 'lock', act: () => void signOut() },
];

const pages = (): Choice[] => ROUTES.filter((route) => route.group !== undefined && allows(me.value, route.needs))
  .map((route) => ({ text: route.title, icon: route.icon ?? 'more', hint: 'page', act: () => (location.hash = `#${route.path}`) }));

export function Palette() {
  return useCell(palette) ? <Open /> : null;
}

function Open() {
  const [text, write] = useState('');
  const [at, move] = useState(0);
  const { of, found, lacking } = useFinding(text.trim());
  const fixed = useMemo(() => [...pages(), ...DEEDS], []);
  const choices = [...fixed.filter((choice) => choice.text.toLowerCase().includes(text.trim().toLowerCase())), ...found.map((one) => ({ ...one, act: () => (location.hash = one.to) }))];
  const close = () => (palette.value = false);
  const pick = (choice: Choice | undefined) => {
    if (!choice) return;
    close();
    choice.act();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) move((at + step + choices.length) % Math.max(choices.length, 1));
    else if (event.key === 'Enter') pick(choices[at]);
    else return;
    event.preventDefault();
  };
  useEffect(() => document.getElementById(`choice-${at}`)?.scrollIntoView({ block: 'nearest' }), [at]);
  return (
    <Dialog label="Go to" kind="palette" close={close}>
      <div class="ask"><Icon name="search" />
        <input type="text" role="combobox" aria-label="Page, object or deed" aria-expanded="true" aria-controls="choices" aria-activedescendant={choices[at] ? `choice-${at}` : undefined}
          placeholder="A page, a name, a number, or what to do" autocomplete="off" spellcheck={false} autofocus value={text} onKeyDown={press}
          onInput={(event) => { write(event.currentTarget.value); move(0); }} />
      </div>
      <ul id="choices" role="listbox" aria-label="Choices">
        {choices.map((choice, i) => (
          <li key={choice.text + i} id={`choice-${i}`} role="option" aria-selected={i === at} onClick={() => pick(choice)} onMouseMove={() => i !== at && move(i)}>
            <Icon name={choice.icon} /><span>{choice.text}</span>{choice.state ? <State of={choice.state} /> : choice.hint && <kbd>{choice.hint}</kbd>}
          </li>
        ))}
      </ul>
      {!choices.length && !lacking.length && <p class="muted none" role="status">{of === text.trim() ? 'Nothing is called that.' : 'Looking…'}</p>}
      {lacking.length > 0 && <p class="muted none" role="status">Not all was looked through: {lacking.join('; ')}.</p>}
    </Dialog>
  );
}

const NOTHING = { of: '', found: [], lacking: [] };

/** What is called TEXT, asked for once typing rests; until then what was found OF the text before. */
function useFinding(text: string): Finding & { of: string } {
  const [finding, set] = useState<Finding & { of: string }>(NOTHING);
  const find = useMemo(finder, []);
  useEffect(() => {
    if (!text) return set(NOTHING);
    const stop = new AbortController();
    const timer = setTimeout(() => find(text, stop.signal).then((finding) => set({ of: text, ...finding }), () => undefined), REST); // ended by another letter
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  return finding;
}
