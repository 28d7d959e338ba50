import { useSyncExternalStore } from 'react';

/** As in the styles. */
const narrow = matchMedia('(max-width: 720px)');

function subscribe(reader: () => void): () => void {
  narrow.addEventListener('change', reader);
  return () => narrow.removeEventListener('change', reader);
}

/** Whether the window is so narrow that rows of tables take two lines. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => narrow.matches);
}
