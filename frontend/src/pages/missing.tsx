import { useEffect } from 'preact/hooks';
import { palette } from '../shell/keys.ts';

export function Missing({ path }: { path: string }) {
  useEffect(() => void (document.title = 'Not found · AI Mass'), []);
  return (
    <div class="notice missing">
      <p class="code" aria-hidden="true">404</p>
      <h1>There is no page here</h1>
      <p class="said">Nothing is at <code>{path}</code>. The link may be old, or mistyped.</p>
      <p class="row"><a class="button primary" href="#/">Go home</a><button type="button" onClick={() => (palette.value = true)}>Search</button></p>
    </div>
  );
}
