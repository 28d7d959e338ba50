import { QueryClientProvider } from '@tanstack/react-query';
import { Suspense } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { ByLink } from '../pages/sign-in/ByLink.tsx';
import { SignIn } from '../pages/sign-in/SignIn.tsx';
import { Page } from '../ui/Page.tsx';
import { Empty, Loading } from '../ui/State.tsx';
import { Broken } from './Broken.tsx';
import { PAGES } from './pages.ts';
import { queries } from './queries.ts';
import { SessionGate } from './session.tsx';
import { Shell } from './Shell.tsx';

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Switch>
        <Route path="/portal">
          <ByLink />
        </Route>
        <Route>
          <SessionGate signIn={(hasEnded) => <SignIn hasEnded={hasEnded} />}>
            <Shell>
              <Pages />
            </Shell>
          </SessionGate>
        </Route>
      </Switch>
    </QueryClientProvider>
  );
}

function Pages() {
  const [path] = useLocation();
  return (
    <Broken key={path}>
      <Suspense fallback={<Loading />}>
        <PageAt />
      </Suspense>
    </Broken>
  );
}

function PageAt() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/webhooks" replace />
      </Route>
      {PAGES.map(({ path, Page }) => (
        <Route key={path} path={path}>
          {(parameters: Record<string, string | undefined>) => <Page key={parameters.id ?? ''} id={parameters.id ?? ''} />}
        </Route>
      ))}
      <Route>
        <Page title="There is no such page">
          <Empty title="There is no such page">What you look for may have been deleted, or the link is not whole.</Empty>
        </Page>
      </Route>
    </Switch>
  );
}
