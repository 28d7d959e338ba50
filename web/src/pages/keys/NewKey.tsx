import type { CreateKey, Scope } from '@cstar/client';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { fieldError, refusal } from '../../api/refusal.ts';
import { useSession, useTeamPath } from '../../app/session.tsx';
import { Button } from '../../ui/Button.tsx';
import { Check } from '../../ui/Check.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { HowTo, quoted } from '../../ui/HowTo.tsx';
import { Select } from '../../ui/Select.tsx';
import { Refusal } from '../../ui/State.tsx';
import { useEventTypes } from '../webhooks/calls.ts';
import { EventPicker } from '../webhooks/EventPicker.tsx';
import { useCreateKey } from './calls.ts';
import css from './KeyList.module.css';
import { SCOPES } from './scopes.ts';

const DAY_MS = 86_400_000;
const LIVES = [
  { id: '0', title: 'Until it is revoked' },
  { id: '30', title: '30 days' },
  { id: '90', title: '90 days' },
  { id: '365', title: 'A year' },
];

interface Draft {
  name: string;
  scopes: Scope[];
  types: string[];
  days: string;
}

/** Makes a key, within what the session itself may do and see. */
export function NewKey({ onClose }: { onClose: () => void }) {
  const path = useTeamPath();
  const form = useId();
  const create = useCreateKey();
  const { key: own } = useSession();
  const [draft, setDraft] = useState<Draft>({ name: '', scopes: [], types: own.types, days: '0' });
  const [isAsked, ask] = useState(false);
  const missing = missingFrom(draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask(true);
    if (Object.keys(missing).length > 0) return;
    create.mutate(asCall(draft, Date.now()), { onSuccess: onClose });
  };
  return (
    <Dialog
      title="New key"
      wide
      isOpen
      isBusy={create.isPending}
      onOpenChange={onClose}
      actions={
        <>
          <Button isDisabled={create.isPending} onPress={onClose}>
            Cancel
          </Button>
          <Button look="primary" type="submit" form={form} isPending={create.isPending}>
            Make the key
          </Button>
        </>
      }
    >
      <form id={form} className={css.form} onSubmit={submit} noValidate>
        <Fields draft={draft} own={own} set={(change) => setDraft({ ...draft, ...change })} missing={isAsked ? missing : {}} error={create.error} />
        {refusal(create.error).fields.size === 0 && <Refusal error={create.error} />}
      </form>
      <HowTo call={{ method: 'POST', path: `${path}/keys`, body: asCall(draft, Date.now()) }} command={asCommand(draft, Date.now())} />
    </Dialog>
  );
}

interface FieldsProps {
  draft: Draft;
  own: { scopes: Scope[]; types: string[] };
  set: (change: Partial<Draft>) => void;
  missing: Missing;
  error: unknown;
}

function Fields({ draft, own, set, missing, error }: FieldsProps) {
  const types = useQuery(useEventTypes()).data ?? [];
  const toggle = (scope: Scope) => (isOn: boolean) =>
    set({ scopes: own.scopes.filter((one) => (one === scope ? isOn : draft.scopes.includes(one))) });
  return (
    <>
      <Field
        label="Name"
        isRequired
        autoFocus
        placeholder="The program that uses it"
        value={draft.name}
        onChange={(name) => set({ name })}
        error={missing.name ?? fieldError(error, '/name')}
      />
      <fieldset className={css.group}>
        <legend>What it may do</legend>
        <ErrorText>{missing.scopes ?? errorUnder(error, '/scopes')}</ErrorText>
        <div className={css.scopes}>
          {own.scopes.map((scope) => (
            <Check key={scope} isSelected={draft.scopes.includes(scope)} onChange={toggle(scope)}>
              {SCOPES[scope]}
              <span className={css.hint}>
                <code>{scope}</code>
              </span>
            </Check>
          ))}
        </div>
      </fieldset>
      <EventPicker types={types} value={draft.types} onChange={(types) => set({ types })} error={missing.types ?? errorUnder(error, '/types')} />
      <Select label="Valid" options={LIVES} value={draft.days} onChange={(days) => set({ days })} />
    </>
  );
}

function ErrorText({ children }: { children: string | undefined }) {
  return children ? (
    <p className={css.error} role="alert">
      {children}
    </p>
  ) : null;
}

type Missing = Partial<Record<'name' | 'scopes' | 'types', string>>;

function missingFrom({ name, scopes, types }: Draft): Missing {
  return {
    ...(name.trim() === '' && { name: 'Say what it is for.' }),
    ...(scopes.length === 0 && { scopes: 'Choose at least one.' }),
    ...(types.length === 0 && { types: 'Choose at least one event.' }),
  };
}

/** What the server has against a list, or something in it. */
function errorUnder(error: unknown, pointer: string): string | undefined {
  return [...refusal(error).fields].find(([at]) => at.startsWith(pointer))?.[1];
}

function asCall({ name, scopes, types, days }: Draft, now: number): CreateKey {
  return { name: name.trim(), scopes, types, ...(days !== '0' && { expires_at: expiry(days, now) }) };
}

function asCommand({ name, scopes, types, days }: Draft, now: number): string {
  const until = days === '0' ? '' : ` --expires-at ${expiry(days, now)}`;
  return `cstar keys create --name ${quoted(name.trim())} --scopes ${scopes.join(',')} --types ${quoted(types.join(','))}${until}`;
}

/** To the second, as a form that is drawn again and again should show. */
function expiry(days: string, now: number): string {
  return `${new Date(now + Number(days) * DAY_MS).toISOString().slice(0, 19)}Z`;
}
