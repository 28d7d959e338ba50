import type { ReactNode } from 'react';
import { FieldError, Input, Label, Text, TextArea, TextField, type TextFieldProps } from 'react-aria-components';
import css from './Field.module.css';

interface Props extends Omit<TextFieldProps, 'className' | 'children'> {
  label: string;
  hint?: ReactNode;
  /** What the server or the form has against its value. */
  error?: string | null | undefined;
  placeholder?: string;
  rows?: number;
  mono?: boolean;
}

export function Field({ label, hint, error, placeholder, rows, mono = false, ...rest }: Props) {
  const input = [css.input, mono && css.mono].filter(Boolean).join(' ');
  return (
    // What was refused once can be sent again: only the server says what is right.
    <TextField {...rest} className={css.field!} isInvalid={Boolean(error)} validationBehavior="aria">
      <Label className={css.label!}>
        {label}
        {!rest.isRequired && <span className={css.optional}> optional</span>}
      </Label>
      {rows ? (
        <TextArea className={input} rows={rows} placeholder={placeholder} />
      ) : (
        <Input className={input} placeholder={placeholder} />
      )}
      <FieldError className={css.error!}>{error}</FieldError>
      {hint && (
        <Text slot="description" className={css.hint!}>
          {hint}
        </Text>
      )}
    </TextField>
  );
}
