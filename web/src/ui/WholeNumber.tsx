import { FieldError, Input, Label, NumberField } from 'react-aria-components';
import css from './Field.module.css';

interface Props {
  label: string;
  value: number | null;
  onChange: (value: number | null) => void;
  max: number;
  error?: string | undefined;
  placeholder?: string;
}

/** A number from 1 on, or none. What is no number is not taken over. */
export function WholeNumber({ label, value, onChange, max, error, placeholder }: Props) {
  return (
    <NumberField
      className={css.field!}
      value={value ?? Number.NaN}
      onChange={(next) => onChange(Number.isNaN(next) ? null : next)}
      minValue={1}
      maxValue={max}
      step={1}
      formatOptions={{ maximumFractionDigits: 0, useGrouping: false }}
      isInvalid={Boolean(error)}
      validationBehavior="aria"
    >
      <Label className={css.label!}>
        {label}
        <span className={css.optional}> optional</span>
      </Label>
      <Input className={css.input} placeholder={placeholder} />
      <FieldError className={css.error!}>{error}</FieldError>
    </NumberField>
  );
}
