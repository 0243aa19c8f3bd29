package net.skbuff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.List;
import org.agrona.UnsafeApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class UserBufTest {
    private final long memory = UnsafeApi.allocateMemory(256);

    @AfterEach
    void free() {
        UnsafeApi.freeMemory(memory);
    }

    private static byte[] counting() {
        byte[] bytes = new byte[100];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 7);
        }
        return bytes;
    }

    private static List<UserBuf> allKinds(Arena arena, byte[] bytes) {
        List<UserBuf> kinds = new ArrayList<>();
        kinds.add(new UserBytes(bytes.clone()));
        kinds.add(new UserByteBuffer(ByteBuffer.wrap(bytes.clone())));
        ByteBuffer direct = ByteBuffer.allocateDirect(110).position(5);
        direct.put(bytes).flip().position(5);
        kinds.add(new UserByteBuffer(direct.slice()));
        kinds.add(new UserByteBuffer(direct));
        MemorySegment segment = arena.allocate(100);
        segment.copyFrom(MemorySegment.ofArray(bytes));
        kinds.add(new UserSegment(segment));
        kinds.add(new UserSegment(MemorySegment.ofArray(bytes.clone())));
        kinds.add(new UserMemory().wrap(segment.address(), 100));
        kinds.add(new UserIovec(
                new UserBytes().wrap(bytes.clone(), 0, 13),
                new UserBytes().wrap(bytes.clone(), 13, 0),
                new UserByteBuffer(ByteBuffer.wrap(bytes.clone(), 13, 87))));
        return kinds;
    }

    @Test
    void shouldGiveItsBytesInOrderAndGoBack() {
        byte[] bytes = counting();
        try (Arena arena = Arena.ofConfined()) {
            for (UserBuf buf : allKinds(arena, bytes)) {
                assertThat(buf.remaining()).isEqualTo(100);
                assertThat(buf.copyIn(memory, 30)).isEqualTo(30);
                buf.advance(5);
                assertThat(buf.copyIn(memory + 35, 60)).isEqualTo(60);
                assertThat(buf.remaining()).isEqualTo(5);
                assertThat(buf.copyIn(memory, 6)).isEqualTo(-Errno.EFAULT);
                buf.revert(65);
                assertThat(buf.remaining()).isEqualTo(70);
                int sum = buf.copyInChecksum(memory + 30, 70, 0);
                assertThat(Checksum.fold(sum)).isEqualTo(Checksum.fold(SkbModelTest.naive(bytes, 30, 70)));
                for (int i = 0; i < 100; i++) {
                    assertThat(UnsafeApi.getByte(memory + i)).isEqualTo(bytes[i]);
                }
            }
        }
    }

    @Test
    void shouldTakeBytesInOrder() {
        byte[] bytes = counting();
        UserBytes source = new UserBytes(bytes);
        source.copyIn(memory, 100);
        try (Arena arena = Arena.ofConfined()) {
            for (UserBuf buf : allKinds(arena, new byte[100])) {
                assertThat(buf.copyOut(memory, 40)).isEqualTo(40);
                assertThat(buf.copyOut(memory + 40, 60)).isEqualTo(60);
                assertThat(buf.copyOut(memory, 1)).isEqualTo(-Errno.EFAULT);
                buf.revert(100);
                UnsafeApi.setMemory(memory + 128, 100, (byte) 0);
                buf.copyIn(memory + 128, 100);
                if (!(buf instanceof UserIovec)) {
                    for (int i = 0; i < 100; i++) {
                        assertThat(UnsafeApi.getByte(memory + 128 + i)).isEqualTo(bytes[i]);
                    }
                }
            }
        }
    }

    @Test
    void shouldRefuseToWriteWhatIsReadOnly() {
        UserByteBuffer heap = new UserByteBuffer(ByteBuffer.wrap(counting()).asReadOnlyBuffer());
        assertThat(heap.copyIn(memory, 100)).isEqualTo(100);
        heap.revert(100);
        assertThatThrownBy(() -> heap.copyOut(memory, 1)).isInstanceOf(ReadOnlyBufferException.class);
        UserSegment segment = new UserSegment(MemorySegment.ofArray(counting()).asReadOnly());
        assertThatThrownBy(() -> segment.copyOut(memory, 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldThrowAndNotCrashOnAClosedArena() {
        Arena arena = Arena.ofConfined();
        UserSegment segment = new UserSegment(arena.allocate(100));
        arena.close();
        assertThatThrownBy(() -> segment.copyIn(memory, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldRevertWhenADatagramDoesNotFit() {
        SkbCache cache = new SkbCache(new SkbMemory(), 0);
        SkBuff skb = cache.allocSkb(100);
        skb.put(50);
        UserBytes to = new UserBytes(new byte[20]);
        assertThat(skb.copyDatagram(0, to, 30)).isEqualTo(-Errno.EFAULT);
        assertThat(to.remaining()).isEqualTo(20);
        skb.consume(cache);
    }
}
