using System.IO.Hashing;
using NUnit.Framework;
using TorchZoo.Checkpoints;

namespace TorchZoo.Tests.Checkpoints;

public class CrcTests
{
    [Test]
    public void AgreesWithTheLibrariesForEveryLength()
    {
        var bytes = new byte[1500];
        new Random(0).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            var crc = new Crc();
            crc.Append(bytes.AsSpan(0, length));
            Assert.That(crc.Value, Is.EqualTo(Crc32.HashToUInt32(bytes.AsSpan(0, length))), $"{length} bytes");
        }
    }

    [Test]
    public void PiecesOfAnyLengthsMakeTheSameSum()
    {
        var random = new Random(1);
        for (var trial = 0; trial < 200; trial++)
        {
            var bytes = new byte[random.Next(20_000)];
            random.NextBytes(bytes);
            var crc = new Crc();
            for (int at = 0, length; at < bytes.Length; at += length)
            {
                length = Math.Min(random.Next(trial % 2 == 0 ? 10 : 5_000), bytes.Length - at);
                crc.Append(bytes.AsSpan(at, length));
            }
            Assert.That(crc.Value, Is.EqualTo(Crc32.HashToUInt32(bytes)));
        }
    }
}
