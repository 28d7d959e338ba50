import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { refusal } from '../../api/refusal.ts';
import { useSignIn } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Refusal } from '../../ui/State.tsx';
import { Door } from './Door.tsx';

/**
 * Signing in with a link. It is used up by a press, not by opening it: scanners of mail open links, and some run the scripts
 * of what they opened.
 */
export function ByLink() {
  const link = useLink();
  return <Enter key={link} link={link} />;
}

/** What stands behind the `#`: it does not stay in the window's address or its history. */
function useLink(): string {
  const [link, setLink] = useState(() => location.hash.slice(1));
  useEffect(() => {
    const take = () => {
      // A second link that is opened in the same tab changes the address alone.
      if (location.hash.length > 1) setLink(location.hash.slice(1));
      history.replaceState(null, '', '/portal');
    };
    take();
    window.addEventListener('hashchange', take);
    return () => window.removeEventListener('hashchange', take);
  }, []);
  return link;
}

function Enter({ link }: { link: string }) {
  const [, go] = useLocation();
  const enter = useSignIn(() => go('/webhooks', { replace: true }));
  useEffect(() => {
    document.title = 'Sign in · cStar';
  }, []);

  if (link === '' || refusal(enter.error).code === 'link_invalid') return <Spent />;
  return (
    <Door title="Sign in to your team">
      <p>This link opens your team’s webhooks, their logs and events on this device. It can be used once.</p>
      <Refusal error={enter.error} />
      <Button look="primary" autoFocus isPending={enter.isPending} onPress={() => enter.mutate({ link })}>
        Continue
      </Button>
    </Door>
  );
}

function Spent() {
  return (
    <Door title="This link does not open anymore">
      <p>
        It was used before, has expired, or is not whole. Go back to where you got it and ask for a new one. If it was you who
        used it in this browser, you may still be signed in.
      </p>
      <ButtonLink look="primary" href="/webhooks">
        Go to the page
      </ButtonLink>
    </Door>
  );
}
