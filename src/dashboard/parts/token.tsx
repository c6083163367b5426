/** The question for the token, when the server wants one. */
import { useState } from 'preact/hooks';

/** Asks for the token; the browser keeps it until the tab is closed. */
export function Token({
  isWrong,
  onToken,
}: {
  readonly isWrong: boolean;
  readonly onToken: (token: string) => void;
}) {
  const [text, setText] = useState('');
  return (
    <main class="empty">
      <form
        class="panel token"
        onSubmit={(event) => {
          event.preventDefault();
          onToken(text.trim());
        }}
      >
        <h2>Who is there?</h2>
        <label>
          The monitoring token of this server
          <input
            type="password"
            autocomplete="off"
            value={text}
            aria-invalid={isWrong}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        {isWrong && <p class="bad">That is not it.</p>}
        <button type="submit" class="primary">
          Look
        </button>
      </form>
    </main>
  );
}
