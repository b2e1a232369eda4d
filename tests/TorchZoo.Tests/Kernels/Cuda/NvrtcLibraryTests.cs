using NUnit.Framework;
using TorchZoo.Kernels.Cuda;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Kernels.Cuda;

public sealed class NvrtcLibraryTests
{
    [Test]
    public void WhereNoneIsTheMessageSaysWhatWasTried()
    {
        using var folder = new TemporaryFolder();
        // A file of the right name that is no library is passed by.
        File.WriteAllText(folder["libnvrtc.so.12"], "nothing");
        var error = Assert.Throws<DllNotFoundException>(() => _ = new Nvrtc([folder["libnvrtc.so.12"], folder["absent.so"]]))!;
        Assert.That(error.Message, Does.Contain(folder["libnvrtc.so.12"]).And.Contain(folder["absent.so"]).And.Contain("NVRTC"));
    }

    [Test]
    public void ALibraryThatIsNotTheCompilerIsRefused()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("libc.so.6 is Linux's");
        Assert.That(() => _ = new Nvrtc(["libc.so.6"]), Throws.TypeOf<DllNotFoundException>().With.Message.Contain("libc.so.6"));
    }

    [Test]
    public void FilesOfAnyVersionAreFoundAndTheirCompanionsAreNot()
    {
        using var folder = new TemporaryFolder();
        string[] found = OperatingSystem.IsWindows() ? ["nvrtc64_120_0.dll"]
            : ["libnvrtc.so.12", "libnvrtc-672ee683.so.11.2", "libnvrtc.so"];
        string[] others = ["libnvrtc-builtins.so.12.8", "libnvrtc.alt.so.12", "libcublas.so.12",
            "nvrtc-builtins64_128.dll", "nvrtc64_120_0.alt.dll"];
        foreach (var name in found.Concat(others)) File.WriteAllText(folder[name], "");
        Assert.That(NvrtcLibrary.FilesIn(folder.Path).Select(Path.GetFileName), Is.EquivalentTo(found));
        Assert.That(NvrtcLibrary.FilesIn(folder["absent"]), Is.Empty);
    }

    [Test]
    public void TheProgramsFoldersComeFirstAndTheSystemsNamesLast()
    {
        var candidates = NvrtcLibrary.Candidates();
        Assert.That(candidates, Has.Member(OperatingSystem.IsWindows() ? "nvrtc64_120_0.dll" : "libnvrtc.so.12"));
        Assert.That(candidates.TakeWhile(Path.IsPathRooted).Count(), Is.EqualTo(candidates.Count(Path.IsPathRooted)));
    }

    [Test]
    public void TheOneThatIsHereKnowsItsVersion()
    {
        Cuda.NeedsCompiler();
        Assert.That(CudaCompiler.Version, Is.GreaterThanOrEqualTo(new Version(11, 2)));
        Assert.That(CudaCompiler.Architectures, Is.Ordered.And.Member(80));
    }
}
