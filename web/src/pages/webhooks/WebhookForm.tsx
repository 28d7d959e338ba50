import type { CreateWebhook, Webhook } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { fieldError, refusal } from '../../api/refusal.ts';
import { Button, ButtonLink } from '../../ui/Button.tsx';
import { Check } from '../../ui/Check.tsx';
import { Field } from '../../ui/Field.tsx';
import { Fold } from '../../ui/Fold.tsx';
import { Section } from '../../ui/Page.tsx';
import { Failure, Loading, Refusal } from '../../ui/State.tsx';
import { WholeNumber } from '../../ui/WholeNumber.tsx';
import { useEventTypes } from './calls.ts';
import { EventPicker } from './EventPicker.tsx';
import css from './WebhookForm.module.css';

/** What the form is about, all of it in what `POST …/webhooks` takes. */
export type Draft = Required<Pick<CreateWebhook, 'url' | 'events'>> & {
  description: string;
  ordered: boolean;
  disable_on_gone: boolean;
  rate_limit: number | null;
  retry_schedule: string | null;
};

interface Props {
  webhook?: Webhook;
  submit: string;
  cancel: string;
  error: unknown;
  isPending: boolean;
  onSubmit: (draft: Draft) => void;
  /** How to do the same otherwise. */
  howTo: (draft: Draft) => ReactNode;
  /** What is to be said before it is sent. */
  children?: ReactNode;
}

/** As many attempts a second as the server lets a webhook ask for. */
const RATE_MAX = 1000;

/** Making a webhook, or changing one. */
export function WebhookForm({ webhook, submit, cancel, error, isPending, onSubmit, howTo, children }: Props) {
  const types = useQuery(useEventTypes());
  const [draft, setDraft] = useState(() => draftOf(webhook));
  const [asked, setAsked] = useState(0);
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }));
  const missing = missingFrom(draft);
  const form = useRef<HTMLFormElement>(null);
  // What is wrong may stand above what the reader sees: they are led there.
  useEffect(() => {
    if (asked || error) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [asked, error]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    setAsked((before) => before + 1);
    if (!missing.url && !missing.events) onSubmit(draft);
  };
  if (types.error) return <Failure error={types.error} onRetry={() => void types.refetch()} />;
  if (!types.data) return <Loading />;
  return (
    <form className={css.form} ref={form} onSubmit={send} noValidate>
      <Section title="Endpoint">
        <div className={css.fields}>
          <Field
            label="URL"
            isRequired
            autoFocus={!webhook}
            type="url"
            mono
            placeholder="https://example.com/webhook"
            value={draft.url}
            onChange={(url) => set({ url })}
            error={(asked > 0 && missing.url) || fieldError(error, '/url')}
            hint="Each event that matches is sent here as a signed POST."
          />
          <Field
            label="Description"
            value={draft.description}
            onChange={(description) => set({ description })}
            error={fieldError(error, '/description')}
            placeholder="What receives it"
          />
        </div>
      </Section>
      <Section title="Events" lead="What is sent there.">
        <EventPicker
          types={types.data}
          value={draft.events}
          onChange={(events) => set({ events })}
          error={(asked > 0 && missing.events) || errorOfEvents(error)}
        />
      </Section>
      <Section title="How it is sent">
        <Sending draft={draft} set={set} error={error} />
      </Section>
      {!isOfField(error) && <Refusal error={error} />}
      {children}
      <div className={css.end}>
        <Button type="submit" look="primary" isPending={isPending}>
          {submit}
        </Button>
        <ButtonLink href={cancel}>Cancel</ButtonLink>
      </div>
      {howTo(draft)}
    </form>
  );
}

function Sending({ draft, set, error }: { draft: Draft; set: (change: Partial<Draft>) => void; error: unknown }) {
  return (
    <div className={css.fields}>
      <p className={css.soft}>
        What is not answered with a 2xx within 10 seconds is tried again, as often as the schedule says; then it is marked as
        failed and stays in the logs.
      </p>
      <Fold title="Order, rate and retries">
        <Check isSelected={draft.ordered} onChange={(ordered) => set({ ordered })}>
          One at a time, in order
          <span className={css.hint}>One that fails is retried before those behind it are sent.</span>
        </Check>
        <Check isSelected={draft.disable_on_gone} onChange={(disable_on_gone) => set({ disable_on_gone })}>
          Disable it when it answers 410 Gone
          <span className={css.hint}>That is how an endpoint says that it wants no more.</span>
        </Check>
        <div className={css.row}>
          <WholeNumber
            label="Most attempts a second"
            max={RATE_MAX}
            value={draft.rate_limit}
            onChange={(rate_limit) => set({ rate_limit })}
            error={fieldError(error, '/rate_limit')}
            placeholder="No limit"
          />
          <Field
            label="Retry schedule"
            mono
            value={draft.retry_schedule ?? ''}
            onChange={(text) => set({ retry_schedule: text.trim() || null })}
            error={fieldError(error, '/retry_schedule')}
            placeholder="1m,5m,30m"
            hint="The wait before each retry; the server’s own unless said."
          />
        </div>
      </Fold>
    </div>
  );
}

function draftOf(webhook: Webhook | undefined): Draft {
  return {
    url: webhook?.url ?? '',
    events: webhook?.events ?? [],
    description: webhook?.description ?? '',
    ordered: webhook?.ordered ?? false,
    disable_on_gone: webhook?.disable_on_gone ?? false,
    rate_limit: webhook?.rate_limit ?? null,
    retry_schedule: webhook?.retry_schedule ?? null,
  };
}

function missingFrom({ url, events }: Draft): { url?: string; events?: string } {
  return {
    ...(url.trim() === '' && { url: 'Say where requests go.' }),
    ...(events.length === 0 && { events: 'Choose at least one event.' }),
  };
}

/** A bad pattern is told by its place in the list. */
function errorOfEvents(error: unknown): string | undefined {
  return [...refusal(error).fields].find(([pointer]) => pointer.startsWith('/events'))?.[1];
}

const SHOWN = ['/url', '/description', '/events', '/rate_limit', '/retry_schedule'];

/** Whether all that an error says stands beside fields already. */
function isOfField(error: unknown): boolean {
  const { fields } = refusal(error);
  return fields.size > 0 && [...fields.keys()].every((pointer) => SHOWN.some((shown) => pointer.startsWith(shown)));
}
