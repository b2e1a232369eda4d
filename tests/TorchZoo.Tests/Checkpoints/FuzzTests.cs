using System.Buffers.Binary;
using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Checkpoints;

/// <summary>Random damage to good files: what comes out is a tree or an <see cref="InvalidDataException"/>, never anything else.</summary>
[Category("Property")]
public class FuzzTests
{
    private const int Rounds = 24_000;

    private static readonly byte[] Opcodes = [.. "(.JKMNQRTUXGabc}])hjqrsutBC"u8, 0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b,
        0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96];

    private static IEnumerable<string> Files() =>
        Goldens.Files("pt-files", "*.pt").Concat(Goldens.Files("evil-files", "ok-*"))
            .Concat(Goldens.Cases("fno").Take(1).Select(c => Path.Combine(c, "tensors.safetensors")));

    [Test]
    public void DamagedFilesAreReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        var path = folder["f"];
        var files = Files().Select(f => (Path: f, Bytes: File.ReadAllBytes(f))).ToList();
        Assume.That(files, Is.Not.Empty);
        int read = 0, refused = 0;
        // One open file: closing a file that was truncated makes some file systems write it to the disk.
        using var target = File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        for (var round = 0; round < Rounds; round++)
        {
            var (file, original) = files[round % files.Count];
            var random = new Random(round);
            // Every second time without checksums, so that damage gets past them.
            var bytes = Mutate(round / files.Count % 2 == 0 ? original : WithoutChecksums(original), random);
            RandomAccess.SetLength(target, bytes.Length);
            RandomAccess.Write(target, bytes, 0);
            var before = Tensor.TotalCount;
            try
            {
                using var scope = NewDisposeScope();
                if (file.EndsWith(".safetensors", StringComparison.Ordinal)) Touch(SafetensorsFile.Load(path).Values);
                else Touch(PyTree.Tensors(PyTorchFile.Load(path, new PyTorchLoadOptions { MemoryMap = round % 3 == 0 })));
                read++;
            }
            catch (InvalidDataException) { refused++; }
            catch (Exception e)
            {
                Assert.Fail($"round {round} ({Goldens.Label(file)}): {e}");
            }
            // TorchSharp's count goes up by one for good with each Parameter made of a tensor.
            if (original.AsSpan().IndexOf("arameter"u8) < 0) Assert.That(Tensor.TotalCount, Is.EqualTo(before),
                $"tensors left behind in round {round}");
        }
        TestContext.Out.WriteLine($"{read} read, {refused} refused");
        Assert.That(refused, Is.GreaterThan(Rounds / 4));
        Assert.That(read, Is.GreaterThan(Rounds / 100));
    }

    // Reads every element, as a user would: memory outside of the storage would show.
    private static void Touch(IEnumerable<Tensor> tensors)
    {
        foreach (var tensor in tensors)
        {
            if (tensor.numel() > 1_000_000) continue;
            using var copy = tensor.detach().clone();
        }
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = original.ToArray();
        for (var i = random.Next(1, 4); i > 0 && bytes.Length > 16; i--)
        {
            // Pickles and headers are at the front; the rest is mostly numbers, whose damage is dull.
            var range = random.Next(2) == 0 ? Math.Min(bytes.Length, 4000) : bytes.Length;
            var at = random.Next(range - 8);
            switch (random.Next(9))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes[at] = Opcodes[random.Next(Opcodes.Length)]; break;
                case 3: bytes[at] += (byte)(random.Next(2) == 0 ? 1 : 255); break;
                case 4: BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), Extreme(random)); break;
                case 5: BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), (ulong)Extreme(random) << random.Next(33)); break;
                case 6: bytes = [.. bytes[..at], .. bytes[(at + random.Next(1, 8))..]]; break;
                case 7:
                    var length = random.Next(1, Math.Min(64, bytes.Length - at));
                    bytes = [.. bytes[..at], .. bytes.AsSpan(random.Next(bytes.Length - length), length), .. bytes[at..]];
                    break;
                default:
                    if (random.Next(8) == 0) bytes = bytes[..random.Next(bytes.Length)];
                    else bytes.AsSpan(at, 8).CopyTo(bytes.AsSpan(random.Next(range - 8)));
                    break;
            }
        }
        return bytes;
    }

    private static uint Extreme(Random random) => random.Next(6) switch
    {
        0 => 0,
        1 => uint.MaxValue,
        2 => int.MaxValue,
        3 => 0x80000000,
        4 => (uint)random.Next(64),
        _ => (uint)random.NextInt64(1L << 32),
    };

    private static byte[] WithoutChecksums(byte[] original)
    {
        if (!original.AsSpan().StartsWith("PK"u8)) return original;
        var bytes = original.ToArray();
        Clear("PK\x03\x04"u8, 14);
        Clear("PK\x01\x02"u8, 16);
        return bytes;

        void Clear(ReadOnlySpan<byte> signature, int offset)
        {
            for (var at = 0; bytes.AsSpan(at).IndexOf(signature) is var next and >= 0; at += next + 4)
                bytes.AsSpan(at + next + offset, 4).Clear();
        }
    }
}
