import { type FormEvent, useEffect, useState } from 'react';
import { refusal } from '../../api/refusal.ts';
import { useSignIn } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Field } from '../../ui/Field.tsx';
import { Door } from './Door.tsx';
import css from './Door.module.css';

/** Signing in with a team's key, at whatever page was asked for: that one is shown afterwards. */
export function SignIn({ hasEnded }: { hasEnded: boolean }) {
  const [key, setKey] = useState('');
  const enter = useSignIn();
  useEffect(() => {
    document.title = 'Sign in · cStar';
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate({ key: key.trim() });
  };
  return (
    <Door title="Sign in to your team">
      {hasEnded && (
        <p role="alert">Your session has ended: it lasts 12 hours, or was revoked. Sign in again to go on where you were.</p>
      )}
      <form className={css.form} onSubmit={submit}>
        <Field
          label="Team key"
          isRequired
          autoFocus
          mono
          type="password"
          autoComplete="current-password"
          placeholder="csk_…"
          value={key}
          onChange={setKey}
          error={enter.error && refusal(enter.error).detail}
          hint="It is exchanged for a session of 12 hours, and kept nowhere."
        />
        <Button type="submit" look="primary" isPending={enter.isPending}>
          Sign in
        </Button>
      </form>
      <p>No key? Your application can send you here with a link, or whoever runs it can give you a key.</p>
    </Door>
  );
}
