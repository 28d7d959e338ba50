import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'cstar-theme';
const readers = new Set<() => void>();

function kept(): Theme {
  const theme = localStorage.getItem(KEY);
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Shows the page as the reader chose; before anything is drawn. */
export function applyTheme(): void {
  const theme = kept();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function setTheme(theme: Theme): void {
  if (theme === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  applyTheme();
  for (const reader of readers) reader();
}

export function useTheme(): Theme {
  return useSyncExternalStore((reader) => {
    readers.add(reader);
    return () => readers.delete(reader);
  }, kept);
}
