using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using NUnit.Framework;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Native;

/// <summary>The build's cure for libLibTorchSharp.so (buildTransitive/TorchZoo.targets), seen in what it put beside this test.</summary>
[Platform("Linux")]
public class LoadingTests
{
    private static string Library => Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    private static string Original
    {
        get
        {
            var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
            return Path.Combine(packages, "torchsharp", "0.107.0", "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        }
    }

    [Test]
    public void OneFlagDiffersFromThePackagesFile()
    {
        if (!File.Exists(Original)) Assert.Ignore("the package cache is somewhere else");
        byte[] before = File.ReadAllBytes(Original), after = File.ReadAllBytes(Library);
        Assert.That(after, Has.Length.EqualTo(before.Length));
        var changed = Enumerable.Range(0, before.Length).Where(i => before[i] != after[i]).ToArray();
        Assert.That(changed, Has.Length.EqualTo(1), "one byte, and the package's own file untouched");
        // vna_flags lies four bytes into its record; the name's offset four bytes after it.
        Assert.Multiple(() =>
        {
            Assert.That(after[changed[0]] ^ before[changed[0]], Is.EqualTo(2), "VER_FLG_WEAK");
            Assert.That(Name(after, BinaryPrimitives.ReadUInt32LittleEndian(after.AsSpan(changed[0] + 4))), Is.EqualTo("GLIBCXX_3.4.32"));
        });
    }

    [Test]
    public void NoFurtherCopyOfLibtorchWasMade() =>
        Assert.That(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "cpu")), Is.False, "TorchSharp fell back to copying libtorch");

    [Test]
    public void TheLoaderTakesIt() => Assert.That(() => NativeLibrary.Load(Library), Throws.Nothing);

    // A copy of the program whose native libraries are links, but for one.
    [TestCase(true), TestCase(false)]
    public void AProgramThatCannotLoadLibtorchSaysWhyAndWhatToDo(bool there)
    {
        if (!File.Exists(Original)) Assert.Ignore("the package cache is somewhere else");
        if (there && NativeLibrary.TryLoad(Original, out _)) Assert.Ignore("this system's libstdc++ is new enough for the package's own file");
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory)) File.Copy(file, folder[Path.GetFileName(file)]);
        var native = Directory.CreateDirectory(folder[Path.Combine("runtimes", "linux-x64", "native")]).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Library)!).Where(f => f != Library))
            File.CreateSymbolicLink(Path.Combine(native, Path.GetFileName(file)), file);
        if (there) File.Copy(Original, Path.Combine(native, Path.GetFileName(Library)));

        using var cli = Cli.In(folder.Path, "TorchZoo.Scripts");
        var result = cli.Run("fno", "--smoke");
        Assert.Multiple(() =>
        {
            Assert.That(result.ExitCode, Is.EqualTo(1));
            Assert.That(result.Error, Does.Contain("libtorch cannot be loaded").And.Contain(there ? "GLIBCXX_3.4.32" : "TorchSharp-cpu").And.Contain("What to do"));
            Assert.That(result.Output + result.Error, Does.Not.Contain("LoadNativeBackend").And.Not.Contain("   at "));
            Assert.That(Directory.Exists(folder["cpu"]), Is.False, "half a gigabyte was copied");
        });
    }

    // The string table that a name's offset refers to is the one whose text stands there.
    private static string Name(byte[] elf, uint offset)
    {
        var name = Encoding.ASCII.GetBytes("GLIBCXX_3.4.32\0");
        for (var at = 0; (at = Find(elf, name, at)) >= 0; at++)
            if (at >= offset && elf[at - (int)offset] == 0) return "GLIBCXX_3.4.32";
        return "";

        static int Find(byte[] bytes, byte[] what, int from)
        {
            var i = bytes.AsSpan(from).IndexOf(what);
            return i < 0 ? -1 : from + i;
        }
    }
}
