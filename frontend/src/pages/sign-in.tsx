// Name and password; then the page that was asked for.
import { useEffect } from 'preact/hooks';
import { call, me } from '../api/client.ts';
import { Entrance, Field, useForm } from '../parts/form.tsx';

export function SignIn() {
  useEffect(() => void (document.title = 'Sign in · AI Mass'), []);
  const form = useForm(async ({ name = '', password = '' }) => {
    me.value = await call('POST /session', { body: { name, password } });
  });
  return (
    <Entrance title="Sign in" form={form} verb="Sign in" lead="Nobody has a name here yet? Open the link that aimass up has printed.">
      <Field name="name" label="Name" autocomplete="username" autofocus />
      <Field name="password" label="Password" type="password" autocomplete="current-password" />
    </Entrance>
  );
}
