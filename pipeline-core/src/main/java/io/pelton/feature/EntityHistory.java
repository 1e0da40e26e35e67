package io.pelton.feature;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInput;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The events of one entity's key, as far back as its widest window reaches, in blocks ordered by
 * (time, id), and the edges of windows that slide over them (see {@link EntityPlan}). Sealed blocks
 * lie in a {@link BlockStore}; here are only the newest block, where the edges are and what has
 * passed them: the little that changes with an event, whatever the length of the history.
 *
 * <p>Totals are exact ({@link ExactSum}), so they do not depend on how they came to be: a history
 * written for other features is read for these and its totals are made anew. An event that came
 * late is computed by moving the edges back to its time and then on again; what cannot be moved
 * back (least, greatest, different, first and last values) is looked for in its window. Not
 * thread-safe.
 */
public final class EntityHistory {
  private static final byte FORMAT = 3;

  private final Chain chain;
  private long expiry = Long.MIN_VALUE;

  // Made when a plan is first applied, and anew for another plan.
  private @Nullable Sliding sliding;

  // What was read, until a plan is applied, and for which plan it was written.
  private byte @Nullable [] written;
  private long writtenFor;

  /**
   * @param layout what is kept of each event
   */
  public EntityHistory(Layout layout) {
    this(new Chain(layout));
  }

  private EntityHistory(Chain chain) {
    this.chain = chain;
  }

  private Sliding sliding(EntityPlan plan, BlockStore store) {
    chain.in(store);
    Sliding known = sliding;
    if (known != null && known.plan == plan) {
      return known;
    }
    chain.in(plan.layout());
    Sliding made = Sliding.over(chain, plan);
    byte[] bytes = written;
    if (bytes != null && plan.fingerprint() == writtenFor) {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
        made.edges.read(in);
        made.parts.read(in);
      } catch (IOException e) {
        throw new IllegalStateException("the totals of a history cannot be read", e);
      }
    } else {
      made.edges.start();
    }
    sliding = made;
    written = null;
    return made;
  }

  /** Events held. */
  public long size() {
    return chain.size();
  }

  /** Time of the newest event, {@code Long.MIN_VALUE} when there is none. */
  public long newest(BlockStore store) {
    chain.in(store);
    return chain.newest();
  }

  /** When the owner wants to look whether the history has expired; MIN_VALUE when not set. */
  public long expiry() {
    return expiry;
  }

  public void expiry(long time) {
    expiry = time;
  }

  /**
   * Takes an event and fills in its features.
   *
   * @param plan what to compute
   * @param retain how much longer than its reach the history is kept, milliseconds: how late an
   *     event may come
   * @param oldestExpected no event before this time is still expected; the history may forget what
   *     only such an event would look at
   * @return how many events held should have come after this one: 0 when it came in order
   */
  public int update(
      EntityPlan plan, FeatureRow row, BlockStore store, long retain, long oldestExpected) {
    Sliding windows = sliding(plan, store);
    int overtaken = windows.update(row);
    forget(windows, Math.min(row.time, oldestExpected), retain);
    return overtaken;
  }

  /** Takes an event in, wherever its time places it, without computing its features. */
  public void add(EntityPlan plan, FeatureRow row, BlockStore store) {
    add(plan, row, store, 0, Long.MAX_VALUE);
  }

  /**
   * Takes an event or an outcome in, wherever its time places it, without computing its features.
   *
   * @param retain how much longer than its reach the history is kept, as in {@link #update}
   * @param oldestExpected no event before this time is still expected
   */
  public void add(
      EntityPlan plan, FeatureRow row, BlockStore store, long retain, long oldestExpected) {
    Sliding windows = sliding(plan, store);
    windows.add(row);
    forget(windows, Math.min(windows.edges.now, oldestExpected), retain);
  }

  /** Forgets what is not looked at from {@code oldest} on. */
  private static void forget(Sliding windows, long oldest, long retain) {
    long cutoff = oldest - windows.plan.reach() - retain;
    if (cutoff < oldest) {
      windows.forget(cutoff);
    }
  }

  /** Removes the sealed blocks; the owner then drops this history. */
  public void clear(BlockStore store) {
    chain.in(store);
    chain.clear();
  }

  // ---- State ----

  /** A copy that shares nothing that changes with this one. */
  public EntityHistory copy() {
    EntityHistory copy = new EntityHistory(chain.copy());
    copy.expiry = expiry;
    copy.sliding = sliding == null ? null : sliding.over(copy.chain);
    copy.written = written;
    copy.writtenFor = writtenFor;
    return copy;
  }

  /** The layout of what this holds. */
  public Layout layout() {
    return chain.open.layout;
  }

  /** Writes all but the sealed blocks. The layout is the reader's to know. */
  public void write(DataOutput out) throws IOException {
    out.writeByte(FORMAT);
    Varint.write(out, expiry);
    chain.write(out);
    Sliding windows = sliding;
    byte[] bytes = written;
    if (windows != null) {
      ByteArrayOutputStream buffer = new ByteArrayOutputStream();
      DataOutputStream to = new DataOutputStream(buffer);
      windows.edges.write(to);
      windows.parts.write(to);
      bytes = buffer.toByteArray();
      out.writeLong(windows.plan.fingerprint());
    } else {
      out.writeLong(writtenFor);
    }
    Varint.write(out, bytes == null ? 0 : bytes.length);
    if (bytes != null) {
      out.write(bytes);
    }
  }

  /**
   * Reads what {@link #write} wrote with that layout.
   *
   * @throws IOException when the bytes are of an unknown format
   */
  public static EntityHistory read(Layout layout, DataInput in) throws IOException {
    byte format = in.readByte();
    if (format != FORMAT) {
      throw new IOException(
          "the history of an entity has format " + format + ", but this version reads " + FORMAT);
    }
    long expiry = Varint.read(in);
    EntityHistory history = new EntityHistory(Chain.read(layout, in));
    history.expiry = expiry;
    history.writtenFor = in.readLong();
    byte[] bytes = new byte[(int) Varint.read(in)];
    in.readFully(bytes);
    history.written = bytes.length == 0 ? null : bytes;
    return history;
  }
}
