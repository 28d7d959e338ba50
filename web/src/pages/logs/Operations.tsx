import type { Operation } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Label, ProgressBar } from 'react-aria-components';
import { useTeamPath } from '../../app/session.tsx';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { count } from '../../ui/duration.ts';
import { HowTo } from '../../ui/HowTo.tsx';
import { Refusal } from '../../ui/State.tsx';
import { isBegunHere, totalOf } from './begun.ts';
import { isRunning, useCancel, useOperations, useRefresh } from './calls.ts';
import { writeFilter } from './filter.ts';
import css from './Operations.module.css';

/** Resends and recoveries that are under way, whoever began them, and those that ended while this was looked at. */
export function Operations() {
  const { data = [], error } = useQuery(useOperations());
  const [closed, close] = useState<ReadonlySet<string>>(new Set());
  const seen = useRef(new Set<string>());
  for (const operation of data) if (isRunning(operation) || isBegunHere(operation.id)) seen.current.add(operation.id);
  const shown = data.filter(({ id }) => seen.current.has(id) && !closed.has(id));
  useRefreshAtEnd(data);
  if (error) return <Refusal error={error} />;
  return shown.map((operation) => <Progress key={operation.id} operation={operation} onClose={() => close(new Set([...closed, operation.id]))} />);
}

/** Once nothing runs any more, the logs show what came of it. */
function useRefreshAtEnd(operations: Operation[]) {
  const refresh = useRefresh();
  const running = operations.filter(isRunning).length;
  useEffect(() => {
    if (running > 0) return refresh;
    return undefined;
  }, [running, refresh]);
}

function Progress({ operation, onClose }: { operation: Operation; onClose: () => void }) {
  const path = useTeamPath();
  const cancel = useCancel(operation.id);
  const { id, kind, done, skipped } = operation;
  const total = totalOf(id);
  const running = isRunning(operation);
  return (
    <section className={css.operation} aria-label={kind === 'resend' ? 'Resending' : 'Recovering'}>
      <div className={css.line}>
        <ProgressBar
          className={css.progress!}
          isIndeterminate={running && total === undefined}
          {...(total ? { value: done + skipped, maxValue: Math.max(total, done + skipped) } : { value: 100 })}
        >
          {({ percentage }) => (
            <>
              <Label className={css.title!}>{told(operation, total)}</Label>
              {running && (
                <span className={css.track}>
                  <span className={css.fill} style={{ width: `${percentage ?? 100}%` }} />
                </span>
              )}
            </>
          )}
        </ProgressBar>
        {running ? (
          <Button small isPending={cancel.isPending} onPress={() => cancel.mutate()}>
            Cancel
          </Button>
        ) : (
          <>
            <ButtonLink small href={logsOf(operation)}>
              Show them
            </ButtonLink>
            <Button small onPress={onClose}>
              Close
            </Button>
          </>
        )}
      </div>
      <Refusal error={cancel.error} />
      {running && (
        <HowTo
          title="Watch or cancel this by API or command line"
          call={{ method: 'DELETE', path: `${path}/operations/${id}` }}
          command={`cstar operations get ${id}\ncstar operations cancel ${id}`}
        />
      )}
    </section>
  );
}

/** The logs of what it was about: their status is another one now. */
function logsOf({ kind, filter: { webhook, event, types, since, until } }: Operation): string {
  const ofResend = kind === 'resend' ? { event, types: types?.[0], since, until } : {};
  const set = Object.entries({ webhook, ...ofResend }).filter(([, value]) => value);
  return `/logs?${new URLSearchParams(writeFilter(Object.fromEntries(set)))}`;
}

const FAILURES = { webhook_disabled: 'its webhook is disabled', webhook_deleted: 'its webhook was deleted', damaged: 'the log is damaged there' };

function told({ kind, status, done, skipped, failure }: Operation, total: number | undefined): string {
  const many = count(done, 'delivery', 'deliveries');
  const doing = kind === 'resend' ? 'resent' : 'recovered';
  const aside = skipped > 0 ? ` ${count(skipped, 'other')} could not be, such as those of disabled webhooks.` : '';
  switch (status) {
    case 'running':
      return `${kind === 'resend' ? 'Resending' : 'Recovering'}: ${total === undefined ? many : `${done + skipped} of ${count(total, 'delivery', 'deliveries')}`}.`;
    case 'done':
      return `${many} ${doing}.${aside}`;
    case 'cancelled':
      return `Cancelled after ${many} had been ${doing}.${aside}`;
    case 'failed':
      return `Ended after ${many}: ${failure ? FAILURES[failure] : 'it failed'}.${aside}`;
  }
}
