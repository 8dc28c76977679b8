// The one-time link of the first start: who has it becomes the first admin.
import { useEffect } from 'preact/hooks';
import { call, me, Refusal } from '../api/client.ts';
import { useQuery, go } from '../parts/place.ts';
import { Entrance, Field, useForm } from '../parts/form.tsx';

export function Welcome() {
  useEffect(() => void (document.title = 'Welcome · AI Mass'), []);
  const [token] = useQuery('token');
  const form = useForm(async ({ name = '', password = '', again = '' }) => {
    if (password !== again) throw new Refusal(422, { error: 'the two passwords differ', to_do: 'write the same password twice' });
    me.value = await call('POST /session/link', { body: { token, name, password } });
    go('/');
  });
  return (
    <Entrance title="Welcome" form={form} verb="Create the first admin"
      lead="This link works once. Choose the name and the password of the first admin; more users come later.">
      <Field name="name" label="Name" autocomplete="username" autofocus />
      <Field name="password" label="Password" type="password" autocomplete="new-password" hint="Ten letters or more. Length is what counts: several words are good." />
      <Field name="again" label="Password, again" type="password" autocomplete="new-password" />
    </Entrance>
  );
}
