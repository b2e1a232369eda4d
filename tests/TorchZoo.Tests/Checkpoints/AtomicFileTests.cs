using NUnit.Framework;
using TorchZoo.Checkpoints;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Checkpoints;

public class AtomicFileTests
{
    [Test]
    public void AFailureLeavesTheOldFileAndNothingElse()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder["f"], s => s.Write("old"u8));
        Assert.That(() => AtomicFile.Write(folder["f"], s => { s.Write("new"u8); s.Flush(); throw new TimeoutException(); }),
            Throws.TypeOf<TimeoutException>());
        Assert.That(File.ReadAllText(folder["f"]), Is.EqualTo("old"));
        Assert.That(folder.Files, Is.EqualTo(new[] { "f" }));
    }

    [Test]
    public void TheOldFileIsThereUntilTheNewOneIsComplete()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder["f"], s => s.Write("old"u8));
        AtomicFile.Write(folder["f"], s =>
        {
            s.Write("newer"u8);
            s.Flush();
            Assert.That(File.ReadAllText(folder["f"]), Is.EqualTo("old"));
        });
        Assert.That(File.ReadAllText(folder["f"]), Is.EqualTo("newer"));
    }

    [Test]
    public void LeftoversOfTheSameFileAreDeletedAndNoOthers()
    {
        using var folder = new TemporaryFolder();
        string[] others = [".f.tmp", ".f.x.tmp", $".g.{Guid.NewGuid():N}.tmp", "f"];
        foreach (var name in others.Append($".f.{Guid.NewGuid():N}.tmp")) File.WriteAllText(folder[name], "");
        AtomicFile.DeleteLeftovers(folder["f"]);
        Assert.That(folder.Files, Is.EquivalentTo(others));
    }

    [Test]
    public void WhatIsKeptOutlivesTheFile()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder["f"], s => s.Write("old"u8));
        File.WriteAllText(folder["kept"], "of an earlier run");
        for (var i = 0; i < 2; i++) AtomicFile.Keep(folder["f"], folder["kept"]);
        AtomicFile.Write(folder["f"], s => s.Write("new"u8));
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllText(folder["kept"]), Is.EqualTo("old"));
            Assert.That(File.ReadAllText(folder["f"]), Is.EqualTo("new"));
            Assert.That(folder.Files, Is.EquivalentTo(["f", "kept"]));
            Assert.That(() => AtomicFile.Keep(folder["none"], folder["kept"]), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(File.ReadAllText(folder["kept"]), Is.EqualTo("old"));
        });
    }

    [Test]
    public void BadPathsAreRefused()
    {
        Assert.That(() => AtomicFile.Write("", _ => { }), Throws.ArgumentException);
        Assert.That(() => AtomicFile.Write(Path.GetTempPath(), _ => { }), Throws.ArgumentException);
        Assert.That(() => AtomicFile.Write(Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString(), "f"), _ => { }),
            Throws.InstanceOf<IOException>());
    }
}
