import { Moon, Sun, SunMoon } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { Button } from '../ui/Button.tsx';
import { Toasts } from '../ui/toast.tsx';
import icon from './icon.svg';
import { NAVIGATION } from './pages.ts';
import css from './Shell.module.css';
import { useSession, useSignOut } from './session.tsx';
import { setTheme, type Theme, useTheme } from './theme.ts';

/** What stands around every page. */
export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  // After a page was turned, reading goes on at its beginning; at first the browser does that itself.
  useEffect(() => {
    if (!first.current) main.current?.focus();
    first.current = false;
    window.scrollTo(0, 0);
  }, [path]);
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#main">
        Skip to content
      </a>
      <header className={css.side}>
        <Link href="/webhooks" className={css.brand}>
          <img src={icon} alt="" width={24} height={24} />
          cStar
        </Link>
        <Navigation path={path} />
        <Account />
      </header>
      <main id="main" className={css.main} tabIndex={-1} ref={main}>
        {children}
      </main>
      <Toasts />
    </div>
  );
}

function Navigation({ path }: { path: string }) {
  return (
    <nav className={css.nav} aria-label="Pages">
      <ul>
        {NAVIGATION.map(({ href, title, Icon }) => (
          <li key={href}>
            <Link href={href} aria-current={path === href || path.startsWith(`${href}/`) ? 'page' : undefined}>
              <Icon aria-hidden="true" />
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Account() {
  const { team_name, team_id } = useSession();
  const signOut = useSignOut();
  return (
    <div className={css.account}>
      <div className={css.team} title={team_id}>
        <span className={css.teamLabel}>Team</span>
        <span className={css.teamName}>{team_name}</span>
      </div>
      <div className={css.accountButtons}>
        <Button look="quiet" small isPending={signOut.isPending} onPress={() => signOut.mutate()}>
          Sign out
        </Button>
        <ThemeButton />
      </div>
    </div>
  );
}

const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const ICONS = { system: SunMoon, light: Sun, dark: Moon };

function ThemeButton() {
  const theme = useTheme();
  const Icon = ICONS[theme];
  return (
    <Button look="quiet" small aria-label={`Colours: ${theme}`} onPress={() => setTheme(NEXT[theme])}>
      <Icon aria-hidden="true" />
    </Button>
  );
}
