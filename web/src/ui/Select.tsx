import { ChevronDown } from 'lucide-react';
import { Button, Label, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue } from 'react-aria-components';
import css from './Select.module.css';

export interface Option {
  id: string;
  title: string;
  hint?: string;
}

interface Props {
  label: string;
  /** Where the label can be heard but there is no place for it. */
  hideLabel?: boolean;
  options: Option[];
  value: string;
  onChange: (id: string) => void;
}

export function Select({ label, hideLabel = false, options, value, onChange }: Props) {
  return (
    <AriaSelect
      className={css.select!}
      value={value}
      onChange={(key) => onChange(String(key))}
      {...(hideLabel ? { 'aria-label': label } : {})}
    >
      {!hideLabel && <Label className={css.label!}>{label}</Label>}
      <Button className={css.button!}>
        <SelectValue className={css.value!}>{() => options.find(({ id }) => id === value)?.title}</SelectValue>
        <ChevronDown aria-hidden="true" />
      </Button>
      <Popover className={css.popover!}>
        <ListBox className={css.list!} items={options}>
          {({ id, title, hint }: Option) => (
            <ListBoxItem id={id} textValue={title} className={css.item!}>
              {title}
              {hint && <span className={css.hint}>{hint}</span>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}
