// Keys, words, the API, versions.
import { useState } from 'preact/hooks';
import words from '../../../docs/words.md';
import { useAnswer } from '../api/answer.ts';
import { base } from '../api/client.ts';
import { Icon } from '../parts/icons.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { copy, KEYS } from '../shell/keys.ts';
import { wordsIn } from './help/words.ts';

const COMMANDS: Array<[string, string]> = [
  ['aimass up', 'start everything behind a workspace'],
  ['aimass status', 'what is up, and why something is not'],
  ['aimass run aimass.toml', 'carry out a project'],
  ['aimass ls runs', 'runs, the newest first'],
  ['aimass doctor', 'look for what is wrong with this machine'],
  ['aimass down', 'end everything'],
];

export default function HelpPage() {
  return (
    <div class="page">
      <header class="head"><h1>Help</h1></header>
      <div class="helping"><Keys /><Versions /><Commands /><Words /></div>
    </div>
  );
}

function Keys() {
  return (
    <section aria-labelledby="keys"><h2 id="keys">Keys</h2>
      <table class="plain"><thead class="unseen"><tr><th scope="col">Key</th><th scope="col">Does</th></tr></thead>
        <tbody>{KEYS.map(([key, does]) => <tr key={key}><th scope="row" class="whole">{key.split(' ').map((part) => <kbd key={part}>{part}</kbd>)}</th><td>{does}</td></tr>)}</tbody></table>
    </section>
  );
}

function Versions() {
  const answer = useAnswer('GET /about');
  return (
    <section aria-labelledby="versions"><h2 id="versions">Versions</h2>
      <Shown of={answer} what="The versions" lines={6}>{(about) => (
        <>
          <table class="plain"><thead class="unseen"><tr><th scope="col">What</th><th scope="col">Version</th></tr></thead><tbody>
            <tr><th scope="row"><b>aimass</b></th><td><b>{about.version}</b></td></tr>
            <tr><th scope="row">Python</th><td>{about.python}</td></tr>
            <tr><th scope="row">system</th><td>{about.system}</td></tr>
            <tr><th scope="row">catalog</th><td>{about.database}, revision {about.revision}</td></tr>
            {about.packages.map((one) => <tr key={one.name}><th scope="row">{one.name}</th><td>{one.version ?? <span class="muted">not installed</span>}</td></tr>)}
          </tbody></table>
          <p class="row"><button type="button" onClick={() => copy(JSON.stringify(about, null, 1), 'The versions are copied')}><Icon name="copy" /> Copy for a report</button></p>
        </>
      )}</Shown>
    </section>
  );
}

function Commands() {
  return (
    <section class="wide" aria-labelledby="commands"><h2 id="commands">The same from a terminal</h2>
      <table class="plain"><thead class="unseen"><tr><th scope="col">Command</th><th scope="col">Does</th></tr></thead>
        <tbody>{COMMANDS.map(([line, does]) => <tr key={line}><th scope="row" class="whole"><code>{line}</code></th><td>{does}</td></tr>)}</tbody></table>
      <p class="muted small">Each has help of its own: <code>aimass run --help</code>. What the console does, a program can do: <a href={`${base}/openapi.json`}>the API as OpenAPI describes it</a>; keys of programs are made under <a href="#/keys">Keys</a>.</p>
    </section>
  );
}

function Words() {
  const [text, find] = useState('');
  const rows = wordsIn(words).filter(([word, meaning]) => `${word} ${meaning}`.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <section class="wide" aria-labelledby="words"><h2 id="words">Words</h2>
      <div class="bar"><label class="search"><Icon name="search" /><input type="search" aria-label="Search words" placeholder="Search words" value={text} onInput={(event) => find(event.currentTarget.value)} /></label></div>
      {rows.length ? (
        <table class="plain"><thead><tr><th scope="col">Word</th><th scope="col">Meaning</th></tr></thead>
          <tbody>{rows.map(([word, meaning]) => <tr key={word}><th scope="row" class="whole"><b>{word}</b></th><td>{meaning}</td></tr>)}</tbody></table>
      ) : <Empty title="No word has that in it" />}
    </section>
  );
}
