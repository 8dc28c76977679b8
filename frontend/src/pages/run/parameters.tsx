// What the run was told: each setting with its value, as the project file writes it.
import { useState } from 'preact/hooks';
import type { RunDetail } from '../../api/kinds.ts';
import { flat } from '../../parts/flat.ts';
import { plural } from '../../parts/format.ts';
import { Icon } from '../../parts/icons.tsx';
import { Empty } from '../../parts/states.tsx';
import { copy } from '../../shell/keys.ts';

export function Parameters({ run }: { run: RunDetail }) {
  const [text, write] = useState('');
  const all = flat(run.task.settings);
  const rows = all.filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(text.toLowerCase()));
  if (!all.length) return <Empty title="It was told nothing">Every setting of this step has its default.</Empty>;
  return (
    <div>
      <div class="bar">
        <label class="search"><Icon name="search" /><input type="search" aria-label="Search parameters" placeholder="Search parameters" value={text} spellcheck={false} onInput={(event) => write(event.currentTarget.value)} /></label>
        <span class="muted" role="status">{plural(rows.length, 'parameter')}</span>
        <span class="space" />
        <button type="button" class="quiet" onClick={() => copy(JSON.stringify(run.task, null, 2), 'The task is copied as JSON')}><Icon name="copy" /> Copy as JSON</button>
      </div>
      {rows.length ? (
        <table class="plain pairs"><thead><tr><th scope="col">Setting</th><th scope="col">Value</th></tr></thead>
          <tbody>{rows.map(([name, value]) => <tr key={name}><th scope="row"><code>{name}</code></th><td><code>{value}</code></td></tr>)}</tbody>
        </table>
      ) : <Empty title="No parameter has that in it" />}
    </div>
  );
}
