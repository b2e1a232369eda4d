using TorchZoo.Distributed;
using TorchZoo.Scripts.Terminal;

namespace TorchZoo.Scripts;

internal static class Program
{
    internal static int Main(string[] args)
    {
        Screen screen;
        try { screen = Screen.OfProcess(ProcessGroup.World); }
        catch (Exception e) when (e is DllNotFoundException or NotSupportedException)
        {
            return Failures.Report(Screen.OfProcess(ProcessGroup.Single), e, directory: null);
        }
        return new Application(screen, RecipeCatalog.OfProgram()).Run(args);
    }
}
